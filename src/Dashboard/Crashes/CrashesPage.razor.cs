using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Crashes;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>All crashes of all runs.</summary>
public sealed partial class CrashesPage
{
    static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(2);

    IReadOnlyList<CrashSummary> crashes = [];
    DateTimeOffset read;

    [Inject]
    public required CrashCatalog Crashes { get; set; }

    [Inject]
    public required CrashReports Reports { get; set; }

    [Inject]
    public required RunCatalog Runs { get; set; }

    protected override void OnInitialized()
    {
        Refresh();
        Listen(Reports.Viewers);
        Listen(Runs.Viewers);
    }

    protected override void Refresh()
    {
        if (Now - read < ReadEvery) return;
        read = Now;
        crashes = Crashes.Newest();
    }
}
