namespace Mcn.Web.Trainer.Host;

/// <summary>Memory of the machine and of one process.</summary>
static class MemoryWatch
{
    /// <summary>Available is the kernel's own estimate: free, and what it can take back from caches.</summary>
    public static (long? TotalBytes, long? AvailableBytes) Machine()
    {
        var text = ProcText.Read("/proc/meminfo");
        return (ProcText.Kilobytes(text, "MemTotal"), ProcText.Kilobytes(text, "MemAvailable"));
    }

    /// <summary>Resident bytes; null when there is no such process or it has ended.</summary>
    public static long? Resident(int processId) => ProcText.Kilobytes(ProcText.Read($"/proc/{processId}/status"), "VmRSS");
}
