using System.Globalization;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// The supervisor's stream of one run (or of the machine between runs): numbered and appended at once, from any thread, one at a time.
/// A disk that refuses costs the record and is counted; the number is not used up, so the stream has no gap.
/// </summary>
public sealed class SupervisorJournal : IDisposable
{
    public const string Stream = "supervisor";

    readonly object gate = new();
    readonly JournalWriter writer;
    readonly string run;
    readonly TimeProvider time;
    long sequence;
    long lost;
    bool disposed;

    SupervisorJournal(string path, string run, int incarnation, TimeProvider time)
    {
        writer = new JournalWriter(path);
        this.run = run;
        this.time = time;
        Incarnation = incarnation;
    }

    /// <summary>Incarnations of a stream are its own: each process that loads the run begins the next file.</summary>
    public int Incarnation { get; }

    /// <summary>Records that the disk refused.</summary>
    public long Lost => Interlocked.Read(ref lost);

    public long BytesWritten => writer.Length;

    /// <summary>Begins the next file in a journal folder.</summary>
    public static SupervisorJournal Open(string folder, string run, TimeProvider time)
    {
        Directory.CreateDirectory(folder);
        var last = Directory.EnumerateFiles(folder, $"{Stream}-*.journal").Select(IncarnationOf).DefaultIfEmpty(0).Max();
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Stream}-{last + 1:D6}.journal"));
        return new SupervisorJournal(path, run, last + 1, time);
    }

    /// <summary>The number in a journal's file name; 0 when it has none.</summary>
    public static int IncarnationOf(string path) =>
        int.TryParse(Path.GetFileNameWithoutExtension(path).Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <returns>False: not written; counted.</returns>
    public bool Write(TelemetryRecord record)
    {
        lock (gate)
        {
            if (disposed) return false;
            try
            {
                writer.Append(record with { Id = new RecordId(run, Incarnation, Stream, sequence + 1), Time = time.GetUtcNow() });
                sequence++;
                return true;
            }
            catch (IOException)
            {
                Interlocked.Increment(ref lost);
                return false;
            }
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            try
            {
                writer.Flush();
            }
            catch (IOException)
            {
                // A full disk at the very end: what was appended is with the kernel already.
            }

            writer.Dispose();
        }
    }
}
