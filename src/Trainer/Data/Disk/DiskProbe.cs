using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>What a disk gave when it was asked. Rates are those of one reader.</summary>
/// <param name="SequentialBytesPerSecond">Files from front to back in blocks of 4 MiB, opening included.</param>
/// <param name="RandomReadsPerSecond">64 KiB at random places of random files.</param>
/// <param name="CachedBytesPerSecond">The same files again out of the page cache: what memory gives.</param>
/// <param name="BytesRead">By the measurement itself.</param>
public sealed record DiskRates(double SequentialBytesPerSecond, double RandomReadsPerSecond, double CachedBytesPerSecond, long BytesRead)
{
    /// <summary>The first reads were as fast as memory: the cache could not be avoided (tmpfs, a network client's cache), so they say nothing of a disk.</summary>
    public bool LooksCached => SequentialBytesPerSecond >= 0.9 * CachedBytesPerSecond;
}

/// <summary>
/// Measures reading from the files of a data set, bounded in bytes and time. Pages are dropped from the cache before each read
/// (posix_fadvise DONTNEED), so that memory does not answer for the disk. Reads only; one thread.
/// </summary>
public sealed partial class DiskProbe
{
    public const int RandomReadBytes = 64 << 10;
    const int BlockBytes = 4 << 20;
    const int MostRandomReads = 400;
    const int AdviseRandom = 1;
    const int AdviseDontNeed = 4;

    readonly long mostBytes;
    readonly TimeSpan mostTime;
    readonly byte[] block = GC.AllocateUninitializedArray<byte>(BlockBytes);
    long bytesRead;

    /// <param name="mostBytes">Of each measurement.</param>
    /// <param name="mostTime">Of each measurement.</param>
    public DiskProbe(long mostBytes, TimeSpan mostTime) => (this.mostBytes, this.mostTime) = (mostBytes, mostTime);

    /// <param name="files">Sample of the data; at least one that is not empty.</param>
    public DiskRates Measure(IReadOnlyList<string> files)
    {
        var (sequential, used) = Sequential(files, files.Count, drop: true);
        var cached = Sequential(files, used, drop: false).Rate;
        return new DiskRates(sequential, Random(files), cached, bytesRead);
    }

    /// <summary>Videos a second when the files of one video after another are read whole from the disk, in a random order.</summary>
    public double VideosPerSecond(IReadOnlyList<string[]> videos)
    {
        var order = new CounterRandom(2, RandomPurpose.SampleSet).Permutation(videos.Count);
        var (began, done, bytes) = (Stopwatch.GetTimestamp(), 0, 0L);
        foreach (var video in order)
        {
            foreach (var file in videos[video]) bytes += Whole(file, drop: true);
            done++;
            if (bytes >= mostBytes || Stopwatch.GetElapsedTime(began) >= mostTime) break;
        }

        return done / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Asks the kernel to forget what it has cached of a file; what is being written stays.</summary>
    public static void DropPages(string file)
    {
        using var handle = File.OpenHandle(file);
        Advise(handle, AdviseDontNeed);
    }

    (double Rate, int Files) Sequential(IReadOnlyList<string> files, int count, bool drop)
    {
        var (began, bytes, used) = (Stopwatch.GetTimestamp(), 0L, 0);
        for (; used < count && bytes < mostBytes && Stopwatch.GetElapsedTime(began) < mostTime; used++) bytes += Whole(files[used], drop);
        return (bytes / Stopwatch.GetElapsedTime(began).TotalSeconds, used);
    }

    long Whole(string file, bool drop)
    {
        using var handle = File.OpenHandle(file, options: FileOptions.SequentialScan);
        if (drop) Advise(handle, AdviseDontNeed);
        var done = 0L;
        for (int got; (got = RandomAccess.Read(handle, block, done)) > 0;) done += got;
        bytesRead += done;
        return done;
    }

    double Random(IReadOnlyList<string> files)
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet);
        var spent = TimeSpan.Zero;
        var reads = 0;
        for (; reads < MostRandomReads && spent < mostTime; reads++)
        {
            using var handle = File.OpenHandle(files[random.Next(files.Count)]);
            Advise(handle, AdviseDontNeed);
            Advise(handle, AdviseRandom);
            var places = Math.Max(1, RandomAccess.GetLength(handle) / RandomReadBytes);
            var began = Stopwatch.GetTimestamp(); // the place alone: opening is in the other figures
            bytesRead += RandomAccess.Read(handle, block.AsSpan(0, RandomReadBytes), random.Next((int)Math.Min(places, int.MaxValue)) * (long)RandomReadBytes);
            spent += Stopwatch.GetElapsedTime(began);
        }

        return reads / Math.Max(spent.TotalSeconds, 1e-9);
    }

    // A file system that does not know the advice ignores it; LooksCached tells.
    static void Advise(SafeFileHandle handle, int advice) => PosixFadvise(handle, 0, 0, advice);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int PosixFadvise(SafeFileHandle descriptor, long offset, long length, int advice);
}
