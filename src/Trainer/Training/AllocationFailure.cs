using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Training;

/// <summary>Whose memory did not suffice.</summary>
public enum ShortMemory
{
    Device,
    Host,
}

/// <summary>
/// Tells a failed allocation from other failures. Everything that libtorch throws arrives as one type with the C++ text, so it is told
/// apart by text. Such a failure leaves device and process whole: what was taken can be given back and less be asked for.
/// </summary>
public static class AllocationFailure
{
    static readonly string[] DeviceSigns = ["CUDA out of memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"];

    static readonly string[] HostSigns = ["DefaultCPUAllocator", "std::bad_alloc", "Cannot allocate memory"];

    /// <summary>Null: the failure is another one.</summary>
    public static ShortMemory? Of(Exception error) => error switch
    {
        OutOfMemoryException => ShortMemory.Host,
        ExternalException native when Contains(native.Message, DeviceSigns) => ShortMemory.Device,
        ExternalException native when Contains(native.Message, HostSigns) => ShortMemory.Host,
        _ => null,
    };

    static bool Contains(string text, string[] signs) => signs.Any(sign => text.Contains(sign, StringComparison.OrdinalIgnoreCase));
}
