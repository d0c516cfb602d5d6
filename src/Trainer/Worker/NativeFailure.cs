using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Worker;

/// <summary>
/// What an exception of the worker means as an exit code. Everything that libtorch throws arrives as one type with the C++ text, so it is
/// told apart by text, here and nowhere else.
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

    static readonly string[] DeviceMemory = ["CUDA out of memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"];

    static readonly string[] HostMemory = ["DefaultCPUAllocator", "std::bad_alloc", "Cannot allocate memory"];

    static readonly string[] Storage = ["No space left on device", "Read-only file system", "Disk quota exceeded", "Input/output error"];

    /// <summary>The exit code of <see cref="ExitCodes"/> that names the kind of failure.</summary>
    public static int ExitCodeOf(Exception error) => error switch
    {
        RunConfigException => ExitCodes.Usage,
        UserError user => user.ExitCode == ExitCodes.Fails ? OfUserError(user) : user.ExitCode,
        OutOfMemoryException => ExitCodes.HostMemory,
        ExternalException => OfNativeText(error.Message),
        IOException => Contains(error.Message, Storage) ? ExitCodes.Storage : ExitCodes.BadData,
        RankFailedException { InnerException: { } cause } => ExitCodeOf(cause),
        RankFailedException => ExitCodes.Stuck,
        AggregateException { InnerException: { } inner } => ExitCodeOf(inner),
        _ => ExitCodes.ProgramError,
    };

    static int OfUserError(UserError error)
    {
        if (error.Message.Contains("a finite number", StringComparison.Ordinal)) return ExitCodes.Numerics;
        return Contains(error.Message, Storage) ? ExitCodes.Storage : ExitCodes.BadData;
    }

    static int OfNativeText(string text)
    {
        // Memory first: "CUDA error: out of memory" may name a launch as well.
        if (Contains(text, DeviceMemory)) return ExitCodes.DeviceMemory;
        if (Contains(text, DeviceLost)) return ExitCodes.DeviceLost;
        return Contains(text, HostMemory) ? ExitCodes.HostMemory : ExitCodes.NativeError;
    }

    static bool Contains(string text, string[] signs) => signs.Any(sign => text.Contains(sign, StringComparison.OrdinalIgnoreCase));
}
