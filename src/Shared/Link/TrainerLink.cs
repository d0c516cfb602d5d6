using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Shared.Link;

/// <summary>Paths of the dashboard that trainers use. All need the trainer's API key as a bearer token.</summary>
public static class LinkRoutes
{
    /// <summary>SignalR hub (MessagePack protocol).</summary>
    public const string Hub = "/hubs/trainer";

    /// <summary>PUT `{Crashes}/{crash id}` streams a report; header `X-Content-Sha256` is its hash. Idempotent.</summary>
    public const string Crashes = "/api/crashes";

    /// <summary>PUT `{Checkpoints}/{ticket}` brings what <see cref="CommandVerb.SendCheckpoint"/> asked for, as a tar; it is handed on and not kept.</summary>
    public const string Checkpoints = "/api/checkpoints";

    public const string Health = "/healthz";
}

/// <summary>First words of a trainer on a new connection.</summary>
/// <param name="ProtocolVersion">Version of the wire; the dashboard refuses what it does not know.</param>
/// <param name="TrainerId">Stable for a data folder.</param>
/// <param name="Name">For people: host and folder.</param>
/// <param name="ProgramVersion">For people.</param>
public sealed record Hello(int ProtocolVersion, string TrainerId, string Name, string ProgramVersion);

/// <summary>The dashboard's answer.</summary>
/// <param name="Accepted">False: <paramref name="Reason"/> says why; the trainer tries again later.</param>
/// <param name="Cursors">How far the store has each stream: the trainer goes on behind it.</param>
public sealed record Welcome(bool Accepted, string? Reason, IReadOnlyList<StreamCursor> Cursors);

/// <param name="Sequence">Last sequence that is committed.</param>
public sealed record StreamCursor(string Run, int Incarnation, string Stream, long Sequence);

/// <summary>Consecutive records of one stream, the very bytes that lie in the journal.</summary>
/// <param name="FirstSequence">Sequence of the first one.</param>
/// <param name="Records">UTF-8 JSON of each <see cref="TelemetryRecord"/>.</param>
public sealed record TelemetryBundle(string Run, int Incarnation, string Stream, long FirstSequence, byte[][] Records);

/// <summary>What the trainer is doing right now; every few seconds, not stored.</summary>
/// <param name="RunId">Null when no run is loaded.</param>
/// <param name="State">Null without a run.</param>
/// <param name="UnsentRecords">Backlog of the journal.</param>
/// <param name="Incarnation">Of the run's newest worker.</param>
/// <param name="Target">What the loaded run is meant to do, as far as this trainer has been told.</param>
/// <param name="Generation">Newest generation of a wish that it has seen for this run.</param>
public sealed record Heartbeat(
    string? RunId, RunState? State, long? Step, long UnsentRecords, DateTimeOffset Time, int? Incarnation = null, RunTarget? Target = null, long Generation = 0);

/// <summary>What a run is, sent once per connection and run before its first bundle.</summary>
/// <param name="ConfigJson">The resolved configuration.</param>
/// <param name="EnvironmentJson">environment.json of the newest incarnation, or null.</param>
/// <param name="Parent">Where it branched off; null: nowhere.</param>
public sealed record RunIntroduction(string RunId, string Name, DateTimeOffset Created, string ConfigJson, string? EnvironmentJson, RunParent? Parent = null)
{
    /// <summary>A trainer's samples while no run is loaded go under this prefix and its id: stored like a run, never listed as one.</summary>
    public const string MachinePrefix = "machine-";
}

/// <summary>The hub, as the trainer calls it.</summary>
public interface ITrainerHub
{
    Task<Welcome> Hello(Hello hello);

    Task IntroduceRun(RunIntroduction run);

    /// <summary>Answers when the records are committed: the last committed sequence of that stream. What it had already is taken once.</summary>
    Task<long> Store(TelemetryBundle bundle);

    Task Beat(Heartbeat heartbeat);
}

/// <summary>The trainer, as the dashboard calls it.</summary>
public interface ITrainerClient
{
    Task<CommandAnswer> Execute(RunCommand command);
}
