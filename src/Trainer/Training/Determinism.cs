using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Kernels of a GPU that give the same bits each time. Left alone, some of cuDNN's convolutions and libtorch's sums by index (the way back
/// through sentence pooling, the sums of a cluster's rows) add up in the order in which their threads come. The switches are libtorch's
/// own (`torch.use_deterministic_algorithms`, `torch.backends.cudnn.deterministic` and `.benchmark`); TorchSharp does not wrap them, so they are called by
/// the names that the pinned libtorch exports. No GPU has been seen by us: that they reach the last bit there is not proven.
/// </summary>
static partial class Determinism
{
    const string LibtorchContext = "libtorch_cpu";

    /// <summary>cuBLAS repeats its bits with a workspace of a fixed size; this is the size of its own choice on the newest cards.</summary>
    const string WorkspaceVariable = "CUBLAS_WORKSPACE_CONFIG";
    const string Workspace = ":4096:8";

    /// <summary>
    /// How far a term of the loss of a repeated step may be off, relatively, where bits are not promised. Sums in another order differ by some
    /// 1e-6; a state that is not the one that was saved is off by more than this, or its checksum tells.
    /// </summary>
    const double Noise = 1e-3;

    /// <summary>Sets the process's switches, before anything is computed on a GPU.</summary>
    public static void Activate(RunConfig config)
    {
        if (!RepeatsBits(config.Devices) && IsAvailable) Set(config.Deterministic);
    }

    /// <summary>Whether bits repeat, as far as this program decides it: `yes`, `no`, or `unknown` where this libtorch has no such switches.</summary>
    public static string Active(RunConfig config) => RepeatsBits(config.Devices) ? "yes" : !config.Deterministic ? "no" : IsAvailable ? "yes" : "unknown";

    /// <summary>How far a repeated step may be off; 0: not by a bit.</summary>
    public static double Tolerance(IReadOnlyList<string> devices) => RepeatsBits(devices) ? 0 : Noise;

    /// <summary>Whether this libtorch exports the switches.</summary>
    internal static bool IsAvailable { get; } = Exports();

    static bool RepeatsBits(IReadOnlyList<string> devices) => devices.All(device => device == "cpu");

    internal static void Set(bool on)
    {
        var context = Context();
        SetCudnn(context, (byte)(on ? 1 : 0));
        SetBenchmark(context, (byte)(on ? 0 : 1)); // each process would try for itself, and choose others
        // What has no such kernel only warns: better the last bits of a term than no run.
        SetAlgorithms(context, (byte)(on ? 1 : 0), warnOnly: 1);
        SetFill(context, 0); // a debugging aid that writes every new tensor twice
        // .NET's own variables do not reach native code; what a person has set stays.
        if (on) _ = SetVariable(WorkspaceVariable, Workspace, overwrite: 0);
    }

    /// <summary>What libtorch says of its switches: cuDNN's, and that of all algorithms.</summary>
    internal static (bool Cudnn, bool Algorithms) Read()
    {
        var context = Context();
        return (ReadCudnn(context) != 0, ReadAlgorithms(context) != 0);
    }

    static bool Exports()
    {
        try
        {
            Read();
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport(LibtorchContext, EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint Context();

    [LibraryImport(LibtorchContext, EntryPoint = "_ZN2at7Context21setDeterministicCuDNNEb")]
    private static partial void SetCudnn(nint context, byte on);

    [LibraryImport(LibtorchContext, EntryPoint = "_ZNK2at7Context18deterministicCuDNNEv")]
    private static partial byte ReadCudnn(nint context);

    [LibraryImport(LibtorchContext, EntryPoint = "_ZN2at7Context17setBenchmarkCuDNNEb")]
    private static partial void SetBenchmark(nint context, byte on);

    [LibraryImport(LibtorchContext, EntryPoint = "_ZN2at7Context26setDeterministicAlgorithmsEbb")]
    private static partial void SetAlgorithms(nint context, byte on, byte warnOnly);

    [LibraryImport(LibtorchContext, EntryPoint = "_ZNK2at7Context23deterministicAlgorithmsEv")]
    private static partial byte ReadAlgorithms(nint context);

    [LibraryImport(LibtorchContext, EntryPoint = "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb")]
    private static partial void SetFill(nint context, byte on);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
