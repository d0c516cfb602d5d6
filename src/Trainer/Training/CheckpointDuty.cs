using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The training thread's part of checkpoints: when one is due, the copy (all that training stands still for), and what is told of those
/// that are written behind it. A failure is an alarm and a degraded mode; training goes on.
/// </summary>
public sealed class CheckpointDuty : IDisposable
{
    const string FailureCode = "checkpoint_failed";
    static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(10);
    static readonly TimeSpan LongestRoom = TimeSpan.FromMinutes(1);
    static readonly TimeSpan LongestSave = TimeSpan.FromMinutes(10);
    static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    readonly ReplicaTeam team;
    readonly SnapshotMemory memory;
    readonly SnapshotMemory? instead;
    readonly ResumePoint resumed;
    readonly TelemetryOutlet outlet;
    readonly RecorderLane lane;
    readonly CheckpointConfig config;
    readonly CheckpointWriter writer;
    readonly Func<CheckpointManifest> describe;
    readonly LiveKnobs knobs;
    readonly bool memoryOn;
    readonly List<SnapshotJob> underWay = [];
    CheckpointPace pace;
    RunProgress best;
    (long Step, double Value)? evaluated;
    long lastMemory = Stopwatch.GetTimestamp();
    long lastDisk = Stopwatch.GetTimestamp();
    TimeSpan retryAfter;
    long failedAt;
    long savedAt = Stopwatch.GetTimestamp();
    SnapshotJob? toProve;

    /// <param name="resumed">Where training goes on, and what is known of it.</param>
    /// <param name="describe">A manifest of this run and incarnation, to be completed with counters and position.</param>
    /// <param name="knobs">One of them is how much may be lost.</param>
    internal CheckpointDuty(ReplicaTeam team, CheckpointStore store, SnapshotMemory memory, TelemetryOutlet outlet, RecorderLane lane,
        ResumePoint resumed, Func<CheckpointManifest> describe, LiveKnobs knobs)
    {
        (this.team, this.memory, this.outlet, this.lane, this.resumed, this.describe) = (team, memory, outlet, lane, resumed, describe);
        this.knobs = knobs;
        config = team.Config.Checkpoint;
        best = resumed.Manifest?.Best ?? RunProgress.None;
        Saved = resumed.OnDisk;
        pace = new CheckpointPace(config);
        var bytes = TrainingState.BytesAtMost(team);
        if ((config.MemoryEverySeconds == 0 ? "checkpoint.memory_every_seconds is 0" : memory.Fit(bytes)) is { } refused)
        {
            // Checkpoints on disk need one slot all the same, of this process's own memory.
            this.memory = instead = SnapshotMemory.Own();
            instead.Fit(bytes);
            if (memory.Outlives && config.MemoryEverySeconds > 0) outlet.Write(new Alert { Code = "snapshots_off", Text = refused });
        }

        memoryOn = this.memory.Outlives;
        writer = new CheckpointWriter(store, outlet, seal: memoryOn);
    }

    /// <summary>The newest position that is on disk and verified.</summary>
    public TrainingPosition Saved { get; private set; }

    /// <summary>Why the last one failed; null: it did not.</summary>
    public UserError? Failure { get; private set; }

    /// <summary>The most work that the death of the process, and of the machine, costs; while checkpoints fail, what is not on disk.</summary>
    public (TimeSpan Process, TimeSpan Machine) AtRisk
    {
        get
        {
            var unsaved = Stopwatch.GetElapsedTime(savedAt);
            var machine = Failure is not null && unsaved > pace.AtRiskMachine ? unsaved : pace.AtRiskMachine;
            return (memoryOn ? pace.AtRisk(memory: true) : machine, machine);
        }
    }

    /// <summary>Training stood still for the last snapshot.</summary>
    public TimeSpan Stall => pace.Stall;

    /// <summary>Once a step: tells what became of those under way, and takes a snapshot when one is due.</summary>
    /// <param name="step">Time of a step.</param>
    /// <returns>Training stood still for one.</returns>
    public bool AfterStep(TrainingPosition position, TimeSpan step)
    {
        Collect();
        var maxLoss = knobs.Value(LiveKnob.CheckpointMaxLossSeconds, position.Step);
        pace = pace with { Step = step, Config = maxLoss == pace.Config.MaxLossSeconds ? pace.Config : config with { MaxLossSeconds = maxLoss } };
        var before = toProve;
        if (IsDueByStep(position) && !position.EpochEndIsDue) Save(position, "steps", null);
        else if (IsDue(lastDisk, pace.Disk) && !underWay.Exists(job => job.ToDisk) && Stopwatch.GetElapsedTime(failedAt) >= retryAfter) TakeSnapshot(position, "interval", toDisk: true, null);
        else if (memoryOn && IsDue(lastMemory, pace.Memory)) TakeSnapshot(position, "memory", toDisk: false, null);
        return toProve != before;
    }

    /// <summary>Whether checkpoint.every_steps asks for one here.</summary>
    public bool IsDueByStep(TrainingPosition position) => config.EverySteps > 0 && position.Step % config.EverySteps == 0;

    /// <summary>Takes a snapshot that becomes a checkpoint behind training. Waits for room only when two are being written already.</summary>
    public void Save(TrainingPosition position, string reason, string? commandId)
    {
        for (var began = Stopwatch.GetTimestamp(); !TakeSnapshot(position, reason, toDisk: true, commandId); Collect())
        {
            if (Stopwatch.GetElapsedTime(began) > LongestRoom)
            {
                outlet.Write(new Alert { Code = "checkpoint_skipped", Text = $"step {position.Step}: two others are still being written" });
                return;
            }

            lane.Mark(RecorderPhase.Checkpoint); // a disk may be slow: that is no hang
            writer.Wait(Look);
        }
    }

    /// <summary>The same, but never waits, and not twice at the same place.</summary>
    public void SaveIfRoom(TrainingPosition position, string reason)
    {
        Collect();
        if (Saved != position && !underWay.Exists(job => job.ToDisk && job.Position == position)) TakeSnapshot(position, reason, toDisk: true, null);
    }

    /// <summary>Saves and waits until it is verified: before leaving.</summary>
    /// <returns>False: it is not on disk; <see cref="Failure"/> says why.</returns>
    public bool SaveAndWait(TrainingPosition position, string reason = "leave", string? commandId = null)
    {
        lane.Mark(RecorderPhase.Checkpoint);
        Collect();
        if (Saved != position && !underWay.Exists(job => job.ToDisk && job.Position == position)) Save(position, reason, commandId);
        for (var began = Stopwatch.GetTimestamp(); underWay.Exists(job => job.ToDisk) && Stopwatch.GetElapsedTime(began) < LongestSave; Collect())
        {
            lane.Mark(RecorderPhase.Checkpoint); // a disk may be slow: that is no hang
            writer.Wait(Look);
        }

        return Saved == position;
    }

    /// <summary>An evaluation at this step gave so much; null: there was none.</summary>
    public void Evaluated(TrainingPosition position, double? metric)
    {
        if (metric is not { } value) return;
        evaluated = (position.Step, value);
        best = best.With(value, position.Step);
    }

    /// <summary>The snapshot whose next step is this one; its loss is to be read and handed to <see cref="Prove"/>.</summary>
    public bool WantsProof(TrainingPosition position) => resumed.WantsProof(position) || (toProve is { } job && job.Position.Step == position.Step);

    /// <summary>Keeps what the step gave beside the snapshot before it; the first step after a resume is compared.</summary>
    /// <exception cref="UserError">It differs from what it was before, and nothing explains it.</exception>
    public void Prove(TrainingPosition before, StepProof proof)
    {
        if (resumed.WantsProof(before) && resumed.Prove(proof) is { } proven) outlet.Write(proven);
        toProve?.Prove(proof);
        toProve = null;
    }

    /// <summary>Tells what became of those under way. Training may stand still meanwhile: it is called then too.</summary>
    public void Collect()
    {
        while (writer.TryTake() is { } outcome)
        {
            underWay.Remove(outcome.Job);
            if (outcome.Error is { } error) Failed(error);
            else if (outcome.Disk is { } disk) Written(outcome, disk);
        }
    }

    bool TakeSnapshot(TrainingPosition position, string reason, bool toDisk, string? commandId)
    {
        if (memory.Acquire() is not { } slot) return false;
        var phase = lane.Phase;
        lane.Mark(RecorderPhase.Checkpoint);
        var began = Stopwatch.GetTimestamp();
        var tensors = TrainingState.TensorsOf(team);
        var table = StateImage.Plan(Describe(position, reason), tensors);
        var sequence = memory.NextSequence();
        slot.Begin(table, sequence);
        FaultPoint.Reached("copying");
        StateImage.Copy(tensors, table, slot);
        var job = new SnapshotJob(slot, table, sequence, toDisk, commandId, Stopwatch.GetElapsedTime(began));
        pace = pace with { Stall = job.Stall };
        underWay.Add(job);
        toProve = job;
        lastMemory = Stopwatch.GetTimestamp();
        if (toDisk) lastDisk = lastMemory;
        writer.Take(job);
        lane.Mark(phase);
        return true;
    }

    CheckpointManifest Describe(TrainingPosition position, string reason) => TrainingState.Count(team, describe() with
    {
        Reason = reason,
        Step = position.Step,
        Epoch = position.Epoch,
        StepInEpoch = position.StepInEpoch,
        EpochsClosed = position.EpochsClosed,
        Metric = evaluated is { } last && last.Step == position.Step && !position.EpochEndIsDue ? last.Value : null,
        Best = best,
        Knobs = knobs.Turned(position.Step),
        TelemetrySequence = outlet.Sequence,
    });

    void Written(SnapshotOutcome outcome, CheckpointOnDisk disk)
    {
        var manifest = outcome.Job.Table.Manifest;
        Saved = outcome.Job.Position;
        savedAt = outcome.Job.Began;
        pace = pace with { Write = outcome.Duration };
        if (outcome.Retried is { } first) outlet.Write(new Alert { Code = "checkpoint_retried", Text = first });
        if (Failure is not null) outlet.Write(new Alert { Code = FailureCode + "_cleared", Text = $"checkpoints can be written again: step {manifest.Step}" });
        (Failure, retryAfter) = (null, TimeSpan.Zero);
        outlet.Write(new CheckpointWritten
        {
            Step = manifest.Step,
            Path = disk.Path,
            Bytes = disk.Bytes,
            DurationSeconds = (outcome.Job.Stall + outcome.Duration).TotalSeconds,
            StallSeconds = outcome.Job.Stall.TotalSeconds,
            VerifySeconds = disk.Verify.TotalSeconds,
            Reason = manifest.Reason,
            CommandId = outcome.Job.CommandId,
            Kept = disk.Kept,
        });
    }

    void Failed(UserError error)
    {
        Failure = error;
        var longest = TimeSpan.FromSeconds(config.MaxLossSeconds);
        retryAfter = retryAfter == TimeSpan.Zero ? FirstRetry : retryAfter * 2 < longest ? retryAfter * 2 : longest;
        (failedAt, lastDisk) = (Stopwatch.GetTimestamp(), long.MinValue);
        outlet.Write(new Alert { Code = FailureCode, Text = error.Message });
    }

    static bool IsDue(long since, TimeSpan interval) => since == long.MinValue || Stopwatch.GetElapsedTime(since) >= interval;

    /// <summary>Lets what is under way come to its end, and tells of it.</summary>
    public void Finish()
    {
        writer.Dispose();
        Collect();
    }

    public void Dispose()
    {
        Finish();
        instead?.Dispose();
    }
}
