using System.Collections.Concurrent;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Where the training thread leaves its records: bounded, never blocking. Another thread takes them to the journal. What finds it
/// full is dropped and counted. Sequence numbers are given here, so they have no gaps whatever is dropped.
/// </summary>
public sealed class TelemetryOutlet : IDisposable
{
    const int Capacity = 65_536;

    readonly BlockingCollection<TelemetryRecord> records = new(Capacity);
    readonly string run;
    readonly int incarnation;
    readonly string stream;
    readonly TimeProvider time;
    long sequence;
    long dropped;
    long journaled;

    /// <param name="stream">The one writer: `worker`.</param>
    public TelemetryOutlet(string run, int incarnation, string stream, TimeProvider time)
    {
        this.run = run;
        this.incarnation = incarnation;
        this.stream = stream;
        this.time = time;
    }

    /// <summary>Number of the last record; read on the writing thread.</summary>
    public long Sequence => sequence;

    /// <summary>Called by whoever takes the records, once one is in the journal.</summary>
    public void Journaled(long number) => Volatile.Write(ref journaled, number);

    /// <summary>Blocks until a record is in the journal, at most so long. Not for the writing thread.</summary>
    public void WaitUntilJournaled(long number, TimeSpan atMost) => SpinWait.SpinUntil(() => Volatile.Read(ref journaled) >= number, atMost);

    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Called by one thread only.</summary>
    public void Write(TelemetryRecord record)
    {
        var numbered = record with { Id = new RecordId(run, incarnation, stream, sequence + 1), Time = time.GetUtcNow() };
        if (records.TryAdd(numbered)) sequence++;
        else Interlocked.Increment(ref dropped);
    }

    /// <summary>No record follows.</summary>
    public void Complete() => records.CompleteAdding();

    /// <summary>Blocks for the next record; ends after <see cref="Complete"/>.</summary>
    public IEnumerable<TelemetryRecord> Take() => records.GetConsumingEnumerable();

    public void Dispose() => records.Dispose();
}
