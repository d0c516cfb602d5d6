using System.Text.Json.Serialization;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Shared.Telemetry;

/// <summary>Identity of a record: a store takes each (run, incarnation, stream, sequence) once.</summary>
/// <param name="Run">Run id.</param>
/// <param name="Incarnation">Which process of the run wrote it, from 1.</param>
/// <param name="Stream">One writer each: `worker`, `supervisor`.</param>
/// <param name="Sequence">From 1 without gaps within (run, incarnation, stream).</param>
public sealed record RecordId(string Run, int Incarnation, string Stream, long Sequence);

/// <summary>
/// Everything a trainer has to say, as it lies in the journal. A closed family: a switch over it names every case.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(RunStarted), "run_started")]
[JsonDerivedType(typeof(StepMetrics), "step")]
[JsonDerivedType(typeof(EvaluationFinished), "evaluation")]
[JsonDerivedType(typeof(CheckpointWritten), "checkpoint")]
[JsonDerivedType(typeof(ResumeProven), "resume")]
[JsonDerivedType(typeof(Alert), "alert")]
[JsonDerivedType(typeof(RunEnded), "run_ended")]
[JsonDerivedType(typeof(RunStateChanged), "run_state")]
[JsonDerivedType(typeof(WorkerExited), "worker_exited")]
[JsonDerivedType(typeof(CommandHandled), "command")]
[JsonDerivedType(typeof(CommandEnded), "command_ended")]
[JsonDerivedType(typeof(KnobChanged), "knob")]
[JsonDerivedType(typeof(CheckpointPinned), "checkpoint_pinned")]
[JsonDerivedType(typeof(GpuSample), "gpu")]
[JsonDerivedType(typeof(HostSample), "host")]
[JsonDerivedType(typeof(LogLine), "log")]
public abstract record TelemetryRecord
{
    /// <summary>Set by the outlet that takes the record.</summary>
    public RecordId? Id { get; init; }

    /// <summary>When it happened, UTC. Set by the outlet.</summary>
    public DateTimeOffset Time { get; init; }
}

/// <summary>A process of the run begins (or goes on) training.</summary>
public sealed record RunStarted : TelemetryRecord
{
    public required string Name { get; init; }

    /// <summary>Steps done before this process; 0 for a new run.</summary>
    public required long FromStep { get; init; }

    public required long TotalSteps { get; init; }

    public required int StepsPerEpoch { get; init; }

    public required int Epochs { get; init; }

    public required int ClipsPerStep { get; init; }

    public required long Parameters { get; init; }

    /// <summary>Names of the devices; several replicas on one as `cpu x 4`.</summary>
    public required string Device { get; init; }

    /// <summary>Null in records of older versions.</summary>
    public BatchSplit? Batch { get; init; }

    /// <summary>The arithmetic that is active, and a configured one that has no effect; null in records of older versions.</summary>
    public string? Precision { get; init; }

    /// <summary>What may be turned while it runs, with the present values; empty in records of older versions.</summary>
    public IReadOnlyList<Commands.LiveKnob> Knobs { get; init; } = [];

    /// <summary>The switches of section `compatibility` as they were resolved; null in records of older versions.</summary>
    public IReadOnlyDictionary<string, bool>? Compatibility { get; init; }

    /// <summary>What the replicas reach each other's memory through; null for one device, and in records of older versions.</summary>
    public string? Links { get; init; }

    /// <summary>Uuid of the board that each rank computes on, null where unknown; empty on the CPU, and in records of older versions.</summary>
    public IReadOnlyList<string?> Boards { get; init; } = [];

    /// <summary>Checkpoints on disk, oldest first; empty in records of older versions.</summary>
    public IReadOnlyList<KeptCheckpoint> Checkpoints { get; init; } = [];

    /// <summary>How packed shards are read; null for the original's layout, and in records of older versions.</summary>
    public ShardReading? Shards { get; init; }
}

/// <summary>How packed shards are read.</summary>
/// <param name="Mode">`random` (the bytes of single clips) or `sequential` (whole shards).</param>
/// <param name="Because">What decided it.</param>
/// <param name="Echo">Visits of a video for one time of reading it.</param>
/// <param name="Shards">Of the pack.</param>
/// <param name="ShardsPerWindow">Shards among which videos are shuffled: all of them in mode random.</param>
public sealed record ShardReading(string Mode, string Because, int Echo, int Shards, int ShardsPerWindow)
{
    /// <summary>How much likelier than in a full shuffle two videos of a batch come out of one shard, which is the number of windows; 1 is a full shuffle.</summary>
    public double Togetherness => (Shards + ShardsPerWindow - 1) / ShardsPerWindow;
}

/// <summary>One reported step.</summary>
public sealed record StepMetrics : TelemetryRecord
{
    /// <summary>Steps done, this one included.</summary>
    public required long Step { get; init; }

    /// <summary>From 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>By metric name; names and units: <see cref="MetricCatalog"/>.</summary>
    public required IReadOnlyDictionary<string, double> Values { get; init; }
}

/// <summary>Retrieval on one evaluation set.</summary>
public sealed record EvaluationFinished : TelemetryRecord
{
    public required long Step { get; init; }

    /// <summary>Epochs trained: 1 after the first. Not as <see cref="StepMetrics.Epoch"/>, which is the place of a step and counts from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>File name of the set.</summary>
    public required string File { get; init; }

    /// <summary>Clips in it.</summary>
    public required int N { get; init; }

    /// <summary>Which set it is (<see cref="PublishedFigures"/>); null in records of older versions.</summary>
    public string? Set { get; init; }

    public required IReadOnlyList<RetrievalRow> Rows { get; init; }

    public required double DurationSeconds { get; init; }

    /// <summary>The command that asked for it; null: the schedule did.</summary>
    public string? CommandId { get; init; }
}

/// <summary>One direction of a retrieval table. Recalls are fractions; ranks count from 1.</summary>
/// <param name="Direction">t2va, t2v, t2a, va2t, v2t, a2t, a2v or v2a.</param>
/// <param name="Ci95">95 % interval by metric (r1, r5, r10): low, high; bootstrap over the queries.</param>
public sealed record RetrievalRow(
    string Direction,
    double R1,
    double R5,
    double R10,
    double Medr,
    double Meanr,
    IReadOnlyDictionary<string, double[]> Ci95);

/// <summary>A checkpoint is complete on disk.</summary>
public sealed record CheckpointWritten : TelemetryRecord
{
    public required long Step { get; init; }

    public required string Path { get; init; }

    public required long Bytes { get; init; }

    /// <summary>From the snapshot to the verified checkpoint, seconds.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Part of it that training stood still, seconds.</summary>
    public double StallSeconds { get; init; }

    /// <summary>Part of it that reading back and comparing took, seconds.</summary>
    public double VerifySeconds { get; init; }

    /// <summary>`epoch`, `interval`, `steps`, `command`, `hold`, `release` or `leave`.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The command behind it, if any.</summary>
    public string? CommandId { get; init; }

    /// <summary>All that are on disk now, oldest first; this one was verified when it was written, as the others were.</summary>
    public IReadOnlyList<KeptCheckpoint> Kept { get; init; } = [];
}

/// <summary>The step after a checkpoint was repeated and compared with what was recorded when it was first done.</summary>
public sealed record ResumeProven : TelemetryRecord
{
    /// <summary>Steps done at the checkpoint or snapshot.</summary>
    public required long Step { get; init; }

    /// <summary>`memory` or `disk`: where the state came from.</summary>
    public required string Source { get; init; }

    /// <summary>All the same, bit for bit.</summary>
    public required bool Exact { get; init; }

    /// <summary>What differs, and the known reason for it; empty when exact.</summary>
    public string Text { get; init; } = "";
}

/// <summary>Something that needs a person's eye, as code and parameters (the page translates) and in English.</summary>
public sealed record Alert : TelemetryRecord
{
    public required string Code { get; init; }

    public required string Text { get; init; }

    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();
}

/// <summary>The process leaves the run in order.</summary>
public sealed record RunEnded : TelemetryRecord
{
    /// <summary>`finished`, `interrupted` (by a signal), `step_limit` or `failed`.</summary>
    public required string Reason { get; init; }

    public required long Step { get; init; }

    /// <summary>Wall time of this process, seconds.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Median time of a step in this process, seconds.</summary>
    public required double MedianStepSeconds { get; init; }

    /// <summary>Largest resident memory of this process, bytes.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>Records that found the outlet full and were dropped.</summary>
    public required long DroppedRecords { get; init; }
}
