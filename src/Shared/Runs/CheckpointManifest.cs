namespace Mcn.Web.Shared.Runs;

/// <summary>`state.json` of a checkpoint: written last, so that a folder with one is complete.</summary>
public sealed record CheckpointManifest
{
    public required int FormatVersion { get; init; }

    public required string RunId { get; init; }

    public required int Incarnation { get; init; }

    /// <summary>When it was taken, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Epoch of the next step, from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>Place of the next step in its epoch, from 0.</summary>
    public required int StepInEpoch { get; init; }

    /// <summary>Epochs whose evaluation is done; one less than <see cref="Epoch"/> while it is due.</summary>
    public required int EpochsClosed { get; init; }

    /// <summary>Updates that Adam has made.</summary>
    public required long AdamSteps { get; init; }

    /// <summary>Block of the queue that the next step overwrites; null without a queue.</summary>
    public required int? QueueHead { get; init; }

    /// <summary>Steps that the queue holds; null without a queue.</summary>
    public required int? QueueFilled { get; init; }

    /// <summary>Fingerprint of the data set: list, captions, vocabulary.</summary>
    public required string Dataset { get; init; }

    /// <summary>Why it was taken: `epoch`, `interval`, `steps`, `command`, `hold`, `release`, `leave` or `memory`; empty before version 2.</summary>
    public string Reason { get; init; } = "";

    /// <summary>SHA-256 of the run's configuration: schedule, seed, precision and compatibility switches are in it.</summary>
    public string? ConfigSha256 { get; init; }

    /// <summary>Key of every random stream (they are counter-based: key, purpose, epoch, step).</summary>
    public long? Seed { get; init; }

    /// <summary>What else can change a bit: device, libraries, threads, processor, program.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>What the evaluation at this very step gave (<see cref="RunProgress"/>); null without one.</summary>
    public double? Metric { get; init; }

    /// <summary>The best evaluation up to here.</summary>
    public RunProgress Best { get; init; } = RunProgress.None;

    /// <summary>Live knobs that are not as the configuration has them, for the step after it.</summary>
    public IReadOnlyDictionary<string, double> Knobs { get; init; } = new Dictionary<string, double>();

    /// <summary>Last number of the worker's telemetry stream when it was taken.</summary>
    public long TelemetrySequence { get; init; }

    public required IReadOnlyList<CheckpointFile> Files { get; init; }
}

/// <param name="Name">File name within the checkpoint's folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Xxh128">XXH3-128 of its content, 32 hexadecimal digits.</param>
public sealed record CheckpointFile(string Name, long Bytes, string Xxh128);

/// <summary>The best evaluation so far: mean of R@1, R@5 and R@10 (fractions), text to video and audio, over all evaluation sets.</summary>
/// <param name="Metric">Null before the first evaluation.</param>
/// <param name="Step">Steps done then.</param>
public sealed record RunProgress(double? Metric, long? Step)
{
    public static RunProgress None { get; } = new(null, null);

    public RunProgress With(double metric, long step) => Metric is { } best && best >= metric ? this : new RunProgress(metric, step);
}

/// <summary>A checkpoint that stays, and why.</summary>
/// <param name="Bytes">Of all its files.</param>
/// <param name="KeptBy">`last`, `best`, `epoch`, `pinned`, `before-crash`.</param>
/// <param name="Metric">Of the evaluation at that step; null: there was none.</param>
public sealed record KeptCheckpoint(long Step, DateTimeOffset Time, long Bytes, double? Metric, IReadOnlyList<string> KeptBy)
{
    /// <summary>The rule that a person makes.</summary>
    public const string Pinned = "pinned";
}
