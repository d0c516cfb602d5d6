using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Now;

/// <summary>The run that is under way: the one a connected trainer has loaded, else the newest.</summary>
public sealed partial class NowPage
{
    string? shown;

    [Inject]
    public required RunCatalog Runs { get; set; }

    [Inject]
    public required TrainerPresence Presence { get; set; }

    protected override void OnInitialized()
    {
        Refresh();
        Listen(Runs.Viewers);
        Listen(Presence.Viewers);
    }

    protected override void Refresh()
    {
        var loaded = Presence.All.Where(trainer => trainer.Connection is not null && trainer.Beat?.RunId is not null).Select(trainer => trainer.Beat!.RunId!).Where(run => Runs.Find(run) is not null).ToList();
        var newest = Runs.NewestRun();
        // Two trainers: the newest run of theirs; ids sort by time.
        shown = loaded.Count > 0 ? loaded.Max(StringComparer.Ordinal) : newest;
    }
}
