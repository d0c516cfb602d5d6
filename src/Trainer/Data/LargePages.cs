using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Buffers of tens of megabytes that are read and written again and again: pinned, and on pages of 2 MB where the system gives them to
/// those who ask (transparent_hugepage `madvise`, the default of many distributions). Pages of 4 KB cost a look-up each time, above all
/// in a virtual machine. It is advice: where it is not taken, nothing changes but the time.
/// </summary>
static partial class LargePages
{
    const nint PageBytes = 2 << 20;
    const int MadvHugepage = 14;

    /// <summary>An array of zeros.</summary>
    public static unsafe T[] Allocate<T>(int length)
        where T : unmanaged
    {
        var array = GC.AllocateArray<T>(length, pinned: true);
        var from = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        var (first, end) = ((from + PageBytes - 1) & -PageBytes, (from + (length * (nint)sizeof(T))) & -PageBytes); // whole pages, which nothing else is on
        if (OperatingSystem.IsLinux() && end > first) _ = madvise(first, end - first, MadvHugepage);
        return array;
    }

    [LibraryImport("libc")]
    private static partial int madvise(nint address, nint length, int advice);
}
