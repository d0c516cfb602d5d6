using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>Processor time of the calling thread alone: what else the process does meanwhile is not in it. 64-bit Linux.</summary>
static partial class ThreadTime
{
    const int ThreadClock = 3; // CLOCK_THREAD_CPUTIME_ID

    /// <summary>Since the thread began.</summary>
    public static TimeSpan Now
    {
        get
        {
            if (ClockGetTime(ThreadClock, out var time) != 0) throw new UnreachableException("clock_gettime knows the clock of a thread since Linux 2.6.12");
            return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
