using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Crashes;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>One crash: what happened first, then what it was not, then the report.</summary>
public sealed partial class CrashPage
{
    CrashSummary? crash;
    CrashReport? report;

    [Parameter]
    public required string CrashId { get; set; }

    [Inject]
    public required CrashCatalog Crashes { get; set; }

    [Inject]
    public required CrashReports Reports { get; set; }

    [Inject]
    public required RunCatalog Runs { get; set; }

    protected override void OnInitialized()
    {
        Listen(Reports.Viewers);
        Listen(Runs.Viewers);
    }

    protected override void OnParametersSet()
    {
        crash = null;
        Refresh();
    }

    protected override void Refresh()
    {
        crash ??= Crashes.Find(CrashId);
        report = Reports.Find(CrashId);
    }
}
