using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Worker;

/// <summary>
/// What an exception of the worker means as an exit code. Everything that libtorch throws arrives as one type with the C++ text, so it is
/// told apart by text, here and, where training itself can go on, in <see cref="AllocationFailure"/>.
/// </summary>
public static class NativeFailure
{
    /// <summary>Sticky: the CUDA context is poisoned, every later call fails too, the process must end.</summary>
    static readonly string[] DeviceLost =
    [
        "CUBLAS_STATUS_EXECUTION_FAILED", "CUBLAS_STATUS_INTERNAL_ERROR", "CUDNN_STATUS_EXECUTION_FAILED", "CUDNN_STATUS_INTERNAL_ERROR",
        "device-side assert", "illegal memory access", "misaligned address", "unspecified launch failure", "illegal instruction",
        "uncorrectable ECC", "uncorrectable NVLink", "no CUDA-capable device", "devices are busy or unavailable", "GPU is lost",
        "CUDA unknown error", "launch timed out",
    ];

    static readonly string[] Storage = ["No space left on device", "Read-only file system", "Disk quota exceeded", "Input/output error"];

    /// <summary>The exit code of <see cref="ExitCodes"/> that names the kind of failure.</summary>
    public static int ExitCodeOf(Exception error) => error switch
    {
        RunConfigException => ExitCodes.Usage,
        UserError user => user.ExitCode == ExitCodes.Fails ? OfUserError(user) : user.ExitCode,
        OutOfMemoryException => ExitCodes.HostMemory,
        ExternalException => OfNative(error),
        IOException => Contains(error.Message, Storage) ? ExitCodes.Storage : ExitCodes.BadData,
        RankFailedException { InnerException: { } cause } => ExitCodeOf(cause),
        RankFailedException => ExitCodes.Stuck,
        AggregateException { InnerException: { } inner } => ExitCodeOf(inner),
        _ => ExitCodes.ProgramError,
    };

    /// <summary>
    /// A failure of device, memory or replica as one line for who trains in the foreground: none of this program's faults, and its trace
    /// lies in the recorder's last words. Null: another one.
    /// </summary>
    public static UserError? ForPeople(Exception error)
    {
        var code = ExitCodeOf(error);
        var (expected, remedy) = code switch
        {
            ExitCodes.Stuck => ("every replica at every exchange", "Look at that device (nvidia-smi; dmesg | grep Xid)"),
            ExitCodes.DeviceLost => ("a device that answers", "Look at nvidia-smi and dmesg | grep Xid; a GPU that fails again wants a reset or a repair"),
            ExitCodes.DeviceMemory or ExitCodes.HostMemory => ("room for it", "./mcn plan shows what is needed and the largest batch that fits; other programs' memory counts too"),
            _ => ("", ""),
        };
        return error is UserError || expected.Length == 0 ? null
            : new UserError("train", error.Message.Split('\n')[0].Trim(), expected, remedy + ". Started again, the run goes on from its newest checkpoint", code, error);
    }

    static int OfUserError(UserError error)
    {
        if (error.Message.Contains("a finite number", StringComparison.Ordinal)) return ExitCodes.Numerics;
        return Contains(error.Message, Storage) ? ExitCodes.Storage : ExitCodes.BadData;
    }

    static int OfNative(Exception error)
    {
        // Memory first: "CUDA error: out of memory" may name a launch as well.
        if (AllocationFailure.Of(error) is { } shortage) return shortage == ShortMemory.Device ? ExitCodes.DeviceMemory : ExitCodes.HostMemory;
        return Contains(error.Message, DeviceLost) ? ExitCodes.DeviceLost : ExitCodes.NativeError;
    }

    static bool Contains(string text, string[] signs) => signs.Any(sign => text.Contains(sign, StringComparison.OrdinalIgnoreCase));
}
