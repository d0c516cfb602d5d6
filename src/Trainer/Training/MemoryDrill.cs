using System.Globalization;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Makes the kernel refuse memory in earnest: from the second step on the process's address space may grow by so many bytes and no more.
/// Not from the first: it compiles kernels, and oneDNN ends the process where it gets no memory for one. Set only by tests and drills, in
/// the environment variable MCN_DRILL_MEMORY.
/// </summary>
static partial class MemoryDrill
{
    const int AddressSpace = 9; // RLIMIT_AS

    static bool began;

    public static void Begin()
    {
        if (began) return;
        began = true;
        if (!long.TryParse(Environment.GetEnvironmentVariable("MCN_DRILL_MEMORY"), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)) return;
        var pages = File.ReadAllText("/proc/self/statm").Split(' ')[0];
        var now = long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        if (setrlimit(AddressSpace, [now + bytes, now + bytes]) != 0) throw new InvalidOperationException($"setrlimit: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <param name="limits">Soft and hard.</param>
    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, [In] long[] limits);
}
