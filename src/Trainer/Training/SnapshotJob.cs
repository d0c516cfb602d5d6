using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Trainer.Training;

/// <summary>One snapshot on its way from the rank's thread to where it is safe.</summary>
/// <param name="ToDisk">Becomes a checkpoint; otherwise it stays in memory.</param>
/// <param name="Stall">Training stood still for it.</param>
sealed record SnapshotJob(SnapshotSlot Slot, ImageTable Table, long Sequence, bool ToDisk, string? CommandId, TimeSpan Stall)
{
    readonly object gate = new();
    StepProof? proof;
    string? path;

    public TrainingPosition Position => TrainingState.PositionOf(Table.Manifest);

    /// <summary>When the copy was complete.</summary>
    public long Began { get; } = Stopwatch.GetTimestamp();

    public TimeSpan Age => Stopwatch.GetElapsedTime(Began);

    /// <summary>The step after it is done: written beside it now, or once it is on disk.</summary>
    public void Prove(StepProof found)
    {
        Slot.Prove(found, Sequence);
        string? written;
        lock (gate) (proof, written) = (found, path);
        if (written is not null) CheckpointStore.WriteProof(written, found);
    }

    /// <summary>It is on disk.</summary>
    public void Placed(string at)
    {
        StepProof? known;
        lock (gate) (path, known) = (at, proof);
        if (known is not null) CheckpointStore.WriteProof(at, known);
    }
}

/// <summary>What became of a job; told to the rank's thread.</summary>
/// <param name="Disk">Null: it stays in memory, or it failed.</param>
/// <param name="Error">Null: it did not fail.</param>
/// <param name="Retried">Why the first try failed.</param>
sealed record SnapshotOutcome(SnapshotJob Job, CheckpointOnDisk? Disk, TimeSpan Duration, UserError? Error, string? Retried);
