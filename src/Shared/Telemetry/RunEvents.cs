using System.Text.Json.Serialization;
using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Shared.Telemetry;

/// <summary>What a run is doing, as its trainer says it. SILENT is the dashboard's overlay and no state.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
public enum RunState
{
    Starting,
    Running,
    Holding,
    Held,
    Saving,
    Releasing,
    Released,
    Resuming,
    Stopping,
    Stopped,
    Finished,
    Crashed,
}

/// <summary>A run changed its state. Worker and supervisor each tell what they themselves know.</summary>
public sealed record RunStateChanged : TelemetryRecord
{
    public required RunState State { get; init; }

    /// <summary>Steps done; null when nobody knows (yet).</summary>
    public required long? Step { get; init; }

    /// <summary>The command that caused it; null when none did.</summary>
    public string? CommandId { get; init; }

    /// <summary>In English, for the log; null when there is nothing to add.</summary>
    public string? Detail { get; init; }

    /// <summary>The same for the page's language, where it is a sentence of this program and not a message of another.</summary>
    public CodedText? Reason { get; init; }
}

/// <summary>A worker process has ended, in order or not.</summary>
public sealed record WorkerExited : TelemetryRecord
{
    /// <summary>Exit code, when it ended by itself.</summary>
    public required int? ExitCode { get; init; }

    /// <summary>Signal number, when a signal ended it. Exactly one of the two is set (waitid tells them apart); neither when nobody saw the end.</summary>
    public required int? Signal { get; init; }

    /// <summary>Incarnation of the worker.</summary>
    public required int WorkerIncarnation { get; init; }

    /// <summary>The crash, when it was one.</summary>
    public CrashSummary? Crash { get; init; }
}

/// <summary>A command was taken, refused or carried out; the audit trail's raw material.</summary>
public sealed record CommandHandled : TelemetryRecord
{
    public required Commands.RunCommand Command { get; init; }

    public required Commands.CommandAnswer Answer { get; init; }
}

/// <summary>
/// What became of a command that was accepted; exactly one for each, also when the worker or the daemon died meanwhile. The supervisor
/// writes it: it sees both its own doing and the worker's records.
/// </summary>
public sealed record CommandEnded : TelemetryRecord
{
    public required string CommandId { get; init; }

    public required Commands.CommandVerb Verb { get; init; }

    /// <summary>`done`, `superseded`, `save_failed`, `evaluation_failed`, `knob_failed`, `worker_died`, `worker_left`, `run_finished`.</summary>
    public required string Code { get; init; }

    /// <summary>In English, when there is more to say.</summary>
    public string Text { get; init; } = "";

    /// <summary>From the acceptance to the end, by the trainer's steady clock.</summary>
    public required double DurationSeconds { get; init; }

    public const string Done = "done";
    public const string Superseded = "superseded";
}

/// <summary>A person wants a checkpoint kept, or no more.</summary>
public sealed record CheckpointPinned : TelemetryRecord
{
    public required long Step { get; init; }

    public required bool Pinned { get; init; }

    public string? CommandId { get; init; }
}

/// <summary>A live knob was turned; the step after this one has the new value.</summary>
public sealed record KnobChanged : TelemetryRecord
{
    public required long Step { get; init; }

    /// <summary>Of a <see cref="Commands.LiveKnob"/>.</summary>
    public required string Name { get; init; }

    public required double Before { get; init; }

    public required double Value { get; init; }

    public string? CommandId { get; init; }
}
