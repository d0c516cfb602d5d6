using System.Globalization;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>What the process that loaded libtorch said before it ended.</summary>
/// <param name="Version">Of libtorch; null: it was not loaded.</param>
/// <param name="Devices">GPUs that libtorch sees.</param>
/// <param name="Results">Of the devices on which it began to compute, in their order; Error null: right, Done false: it never came back.</param>
/// <param name="End">How it ended when not with exit code 0, with the last thing it printed: a signal, an exception, a deadline.</param>
sealed record TorchReading(string? Version, int Devices, IReadOnlyList<TorchResult> Results, string? End);

sealed record TorchResult(string Device, bool Done, string? Error, double Milliseconds);

/// <summary>Whether libtorch loads and computes. It was tried in another process, so that its death is a line here. Pure.</summary>
static class TorchChecks
{
    /// <summary>CUDA of the packages that `-p:TorchBackend=cuda` takes (TorchSharp-cuda-linux 0.107: libtorch-cuda-12.8).</summary>
    public static readonly (int Major, int Minor) CudaOfTheBuild = (12, 8);

    public const string CudaRemedy = "dotnet build src/Trainer -p:TorchBackend=cuda, and export MCN_TORCH_BACKEND=cuda for ./mcn";

    const string Reinstall = "Start through ./mcn; the checks libstdcxx and cpu-instructions say more. If both are ok, build anew: dotnet build src/Trainer --no-incremental";

    public static readonly Precondition Load = new("libtorch", "libtorch loads and multiplies two matrices rightly, in a process of its own");
    public static readonly Precondition Compute = new("compute", "every GPU multiplies matrices rightly and gives memory (--gpu)");

    /// <param name="cudaBuild">The CUDA libraries lie beside the program.</param>
    /// <param name="gpu">Boards are to compute too.</param>
    public static IEnumerable<Check> Judge(TorchReading reading, bool cudaBuild, bool gpu)
    {
        var build = cudaBuild ? "CUDA build" : "CPU build";
        var cpu = reading.Results.FirstOrDefault(one => one.Device == "cpu");
        yield return (reading.Version, cpu) switch
        {
            (null, _) => Load.Fail(reading.End ?? "the process said nothing", Reinstall),
            (_, { Done: true, Error: null }) => Load.Ok($"libtorch {reading.Version}, {build}" + (cudaBuild ? $", {reading.Devices} GPUs seen" : "")),
            (_, { Done: true }) => Load.Fail($"libtorch {reading.Version}, {build}, computes wrongly: {cpu.Error}", Reinstall),
            _ => Load.Fail($"libtorch {reading.Version}, {build}, was loaded, then: {reading.End}", Reinstall),
        };
        if (!gpu) yield break;
        if (!cudaBuild) yield return Compute.Fail("this is a CPU build: it cannot compute on a GPU", CudaRemedy);
        else if (reading.Version is null) yield return Compute.Unknown("libtorch does not load", Reinstall);
        else if (reading.Devices == 0) yield return Compute.Fail("libtorch sees no GPU", "See the gpu- checks; nvidia-smi must answer first, and CUDA_VISIBLE_DEVICES must not hide what is there");
        for (var device = 0; cudaBuild && device < reading.Devices; device++) yield return JudgeDevice(reading, device);
    }

    static Check JudgeDevice(TorchReading reading, int number)
    {
        var device = string.Create(CultureInfo.InvariantCulture, $"cuda:{number}");
        var one = Compute with { Id = string.Create(CultureInfo.InvariantCulture, $"compute-cuda-{number}"), Expected = $"{device} multiplies matrices rightly and gives memory" };
        const string remedy = "See this board's other checks and the kernel's log (sudo dmesg | grep -i -e xid -e nvrm); reset it (sudo nvidia-smi --gpu-reset -i N) or reboot, and train on the others until then (devices, CUDA_VISIBLE_DEVICES)";
        return reading.Results.FirstOrDefault(result => result.Device == device) switch
        {
            null => one.Unknown($"not tried: {reading.End ?? "the process ended before"}", "Mend the boards before it, or hide them (CUDA_VISIBLE_DEVICES), then call doctor --gpu again"),
            { Done: false } => one.Fail($"it began and did not come back: {reading.End}", remedy),
            { Error: { } error } => one.Fail(error, remedy),
            var right => one.Ok(string.Create(CultureInfo.InvariantCulture, $"right, in {right.Milliseconds:N0} ms")),
        };
    }
}
