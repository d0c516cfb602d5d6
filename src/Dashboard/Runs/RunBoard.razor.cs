using Mcn.Web.Dashboard.Alerts;
using Mcn.Web.Dashboard.Charts;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>Everything about one run, the running one or a past one. Reads the view once a rendering and hands it down.</summary>
public sealed partial class RunBoard
{
    RunProjection? run;
    RunView view = null!;
    Trainer? trainer;
    Freshness freshness;
    TimeSpan silentFor;
    IReadOnlyList<Alert> standing = [];
    bool hasOvertaken;
    ChartChoice choice = new();

    [Parameter, EditorRequired]
    public required string RunId { get; set; }

    int Replicas => view.Started?.Batch?.Replicas ?? 1;

    [Inject]
    public required RunCatalog Runs { get; set; }

    [Inject]
    public required TrainerPresence Presence { get; set; }

    // The caller gives every run a board of its own (@key): the id never changes here.
    protected override void OnInitialized()
    {
        run = Runs.Find(RunId);
        if (run is null) return;
        Refresh();
        Listen(run.Viewers);
        Listen(Presence.Viewers);
    }

    protected override void Refresh()
    {
        if (run is null) return;
        view = run.View;
        trainer = Presence.Of(view);
        freshness = Presence.FreshnessOf(trainer);
        silentFor = trainer is null ? TimeSpan.MaxValue : Now - trainer.LastHeard;
        standing = view.IsLive ? AlertText.Standing(view.Alerts) : [];
        hasOvertaken = run.Read("step", (_, overtaken) => overtaken.Count > 0);
    }
}
