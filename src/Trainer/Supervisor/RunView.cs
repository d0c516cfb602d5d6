using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The loaded run at one moment.</summary>
/// <param name="State">As the worker or the supervisor told it last.</param>
/// <param name="Step">Steps done, from the recorder.</param>
/// <param name="WorkerPid">Null: no worker lives.</param>
/// <param name="RestartPending">A dead worker will be started again.</param>
/// <param name="Incarnation">Of the newest worker.</param>
/// <param name="Generation">Newest of a wish that was seen for this run.</param>
public sealed record RunView(
    string RunId, string Name, RunState State, long? Step, RunTarget Target, bool Finished, int? WorkerPid, bool RestartPending, CrashSummary? LastCrash,
    int Incarnation, long Generation);
