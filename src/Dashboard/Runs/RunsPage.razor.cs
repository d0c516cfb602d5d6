using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>Every run that this dashboard has heard of, newest first.</summary>
public sealed partial class RunsPage
{
    static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(2);

    IReadOnlyList<RunSummary> runs = [];
    DateTimeOffset read;

    [Inject]
    public required RunCatalog Catalog { get; set; }

    [Inject]
    public required TrainerPresence Presence { get; set; }

    protected override void OnInitialized()
    {
        Refresh();
        Listen(Catalog.Viewers);
    }

    protected override void Refresh()
    {
        // The list comes from disk: not at each record of a busy run.
        if (Now - read < ReadEvery) return;
        read = Now;
        runs = Catalog.List();
    }

    // A run that should be talking, and nobody who is connected has it: what it does is unknown.
    StateShape ShapeOf(RunSummary run)
    {
        var isHeard = Presence.All.Any(trainer => trainer.Connection is not null && trainer.Beat?.RunId == run.RunId) || Now - run.LastHeard < TrainerPresence.LateFor;
        return RunView.Lives(run.State?.State) && !isHeard ? StateShape.Silent : StateShape.Of(run.State?.State);
    }
}
