using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>Everything a page shows of a run but its curves, at one moment; immutable. Lists are newest last and bounded.</summary>
public sealed record RunView
{
    public required RunIntroduction Run { get; init; }

    /// <summary>Trainer that introduced it.</summary>
    public required string Trainer { get; init; }

    /// <summary>What the trainer last said about the state; null before it said anything.</summary>
    public RunStateChanged? State { get; init; }

    /// <summary>The newest process.</summary>
    public RunStarted? Started { get; init; }

    public StepMetrics? Newest { get; init; }

    public CheckpointWritten? Checkpoint { get; init; }

    public GpuSample? Gpus { get; init; }

    public HostSample? Host { get; init; }

    public RunEnded? Ended { get; init; }

    /// <summary>What may be turned, as it is now.</summary>
    public IReadOnlyList<Shared.Commands.LiveKnob> Knobs { get; init; } = [];

    /// <summary>On the trainer's disk.</summary>
    public Checkpoints.CheckpointList Checkpoints { get; init; } = Dashboard.Checkpoints.CheckpointList.Empty;

    public IReadOnlyList<EvaluationFinished> Evaluations { get; init; } = [];

    public IReadOnlyList<Alert> Alerts { get; init; } = [];

    public IReadOnlyList<CrashSummary> Crashes { get; init; } = [];

    /// <summary>What happened, log lines and samples left out.</summary>
    public IReadOnlyList<TelemetryRecord> Events { get; init; } = [];

    public IReadOnlyList<LogLine> Logs { get; init; } = [];

    /// <summary>Median of the last seconds a step; null before there are two.</summary>
    public double? SecondsPerStep { get; init; }

    /// <summary>When the store took the newest record; null when nothing came since this program started.</summary>
    public DateTimeOffset? Received { get; init; }

    /// <summary>Steps done, as the newest record that tells them has it: a run is held or released some steps after the last reported one.</summary>
    public long Step => State is { Step: { } told } && !(Newest?.Time >= State.Time) ? told : Newest?.Step ?? State?.Step ?? Started?.FromStep ?? 0;

    public TimeSpan? Remaining => Started is { } started && SecondsPerStep is { } seconds && Step < started.TotalSteps
        ? TimeSpan.FromSeconds(Math.Min((started.TotalSteps - Step) * seconds, TimeSpan.FromDays(9999).TotalSeconds))
        : null;

    /// <summary>The most work that the death of the trainer's process, and of its machine, costs now; null: not told.</summary>
    public (TimeSpan Process, TimeSpan Machine)? AtRisk => Value(MetricCatalog.CheckpointAtRisk) is { } process && Value(MetricCatalog.CheckpointAtRiskMachine) is { } machine
        && double.IsFinite(process) && double.IsFinite(machine) ? (Span(process), Span(machine)) : null;

    static TimeSpan Span(double seconds) => TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(seconds), 0, TimeSpan.FromDays(9999).TotalSeconds));

    public bool IsLive => Lives(State?.State);

    public double? Value(string metric) => Newest is { } step && step.Values.TryGetValue(metric, out var value) ? value : null;

    /// <summary>Of each replica: share of the time that it waited for the others; empty for one device, and before it is told.</summary>
    public IReadOnlyList<double> Waits =>
        [.. Enumerable.Range(0, Started?.Batch?.Replicas ?? 0).Select(rank => Value(MetricCatalog.Of(MetricCatalog.RankWait, rank))).OfType<double>()];

    /// <summary>A state in which a worker is there, and its trainer talks.</summary>
    public static bool Lives(RunState? state) => state is not (null or RunState.Stopped or RunState.Finished or RunState.Crashed or RunState.Released);

    public bool Simulated => Gpus?.Simulated ?? false;
}
