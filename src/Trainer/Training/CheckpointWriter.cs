using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Two background threads behind training: `snapshot sealer` looks whether the weights are numbers and seals the slot, `checkpoint writer`
/// brings it to disk, one at a time. Bounded by the slots: a job owns one until it is done. Failures are outcomes, never exceptions.
/// </summary>
sealed class CheckpointWriter : IDisposable
{
    static readonly TimeSpan LongestFarewell = TimeSpan.FromMinutes(1);
    static readonly TimeSpan LongestJournal = TimeSpan.FromSeconds(10);

    readonly CheckpointStore store;
    readonly TelemetryOutlet outlet;
    readonly bool seal;
    readonly BlockingCollection<SnapshotJob> copied = new();
    readonly BlockingCollection<SnapshotJob> sealedJobs = new();
    readonly ConcurrentQueue<SnapshotOutcome> outcomes = new();
    readonly SemaphoreSlim told = new(0);
    readonly Thread[] threads;
    bool disposed;

    /// <param name="seal">The memory outlives this process: hash what lies in it.</param>
    public CheckpointWriter(CheckpointStore store, TelemetryOutlet outlet, bool seal)
    {
        this.store = store;
        this.outlet = outlet;
        this.seal = seal;
        threads = [StartThread("snapshot sealer", Seal), StartThread("checkpoint writer", Write)];
    }

    public void Take(SnapshotJob job) => copied.Add(job);

    /// <summary>The next outcome, if there is one.</summary>
    public SnapshotOutcome? TryTake() => outcomes.TryDequeue(out var outcome) ? outcome : null;

    /// <summary>Blocks until an outcome is there, at most so long.</summary>
    public void Wait(TimeSpan atMost) => told.Wait(atMost);

    void Seal()
    {
        foreach (var job in copied.GetConsumingEnumerable())
        {
            FaultPoint.Reached("copied");
            // Who goes on from it does not do these steps again: what they had to tell must be safe first.
            outlet.WaitUntilJournaled(job.Table.Manifest.TelemetrySequence, LongestJournal);
            var error = FindNonFinite(job) is { } name ? NotFinite(job, name) : null;
            if (error is null && seal) job.Slot.Seal();
            FaultPoint.Reached("sealed");
            if (error is null && job.ToDisk) sealedJobs.Add(job);
            else Tell(job, null, error, null);
        }

        sealedJobs.CompleteAdding();
    }

    void Write()
    {
        foreach (var job in sealedJobs.GetConsumingEnumerable())
        {
            string? first = null;
            while (true)
            {
                try
                {
                    var written = store.Write(job.Slot, job.Table);
                    job.Placed(written.Path);
                    Tell(job, written, null, first);
                }
                catch (UserError error) when (first is null && error.InnerException is not null && !IsFull(error))
                {
                    // A flush that failed once: what the disk holds is unknown and flushing again would lie; everything is written anew.
                    first = error.Message;
                    continue;
                }
                catch (UserError error)
                {
                    Tell(job, null, error, null);
                }

                break;
            }
        }
    }

    void Tell(SnapshotJob job, CheckpointOnDisk? disk, UserError? error, string? retried)
    {
        job.Slot.Busy = false;
        outcomes.Enqueue(new SnapshotOutcome(job, disk, job.Age, error, retried));
        told.Release();
    }

    static bool IsFull(UserError error) => error.Message.Contains("space", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("Read-only", StringComparison.OrdinalIgnoreCase);

    static UserError NotFinite(SnapshotJob job, string name) => new($"step {job.Table.Manifest.Step}", $"weights that are not finite ({name})", "a finite number everywhere",
        "They are not saved: the last checkpoint is from before. Lower optimizer.lr, or look for non-finite input", ExitCodes.Numerics);

    /// <summary>Name of the first tensor of the network that is not finite.</summary>
    static string? FindNonFinite(SnapshotJob job)
    {
        const int chunk = 1 << 24;
        foreach (var entry in job.Table.Entries.Where(entry => entry is { File: TrainingState.ModelFile, Type: Import.ArrayType.Float32 }))
        {
            for (var at = 0L; at < entry.Bytes; at += chunk)
                if (HasNonFinite(MemoryMarshal.Cast<byte, uint>(job.Slot.Data(entry.Offset + at, (int)Math.Min(chunk, entry.Bytes - at))))) return entry.Name;
        }

        return null;
    }

    /// <summary>An exponent of ones: an infinity, or no number.</summary>
    static bool HasNonFinite(ReadOnlySpan<uint> bits)
    {
        const uint exponent = 0x7F800000;
        var mask = new Vector<uint>(exponent);
        var vectors = MemoryMarshal.Cast<uint, Vector<uint>>(bits);
        foreach (var vector in vectors)
            if (Vector.EqualsAny(vector & mask, mask)) return true;
        foreach (var value in bits[(vectors.Length * Vector<uint>.Count)..])
            if ((value & exponent) == exponent) return true;
        return false;
    }

    static Thread StartThread(string name, Action work)
    {
        var thread = new Thread(() => work()) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }

    /// <summary>Lets what is under way come to its end, bounded: a dead disk must not hold the process.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        copied.CompleteAdding();
        var ended = threads.All(thread => thread.Join(LongestFarewell));
        if (!ended) return; // they still use them
        copied.Dispose();
        sealedJobs.Dispose();
        told.Dispose();
    }
}
