using System.Diagnostics;

namespace Mcn.Web.Trainer.Import;

/// <summary>Bytes that reader threads took from files, and how long they sat in open and read calls. Written by all of them, read by anyone.</summary>
public sealed class ReadMeter
{
    long bytes;
    long ticks;

    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Summed over the threads.</summary>
    public TimeSpan Time => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref ticks));

    /// <param name="count">Bytes.</param>
    /// <param name="elapsed">Ticks of <see cref="Stopwatch"/>.</param>
    public void Add(long count, long elapsed)
    {
        Interlocked.Add(ref bytes, count);
        Interlocked.Add(ref ticks, elapsed);
    }
}
