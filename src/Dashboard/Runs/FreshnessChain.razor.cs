using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>How old is what is shown, link by link.</summary>
public sealed partial class FreshnessChain
{
    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter]
    public Trainer? Trainer { get; set; }

    [Parameter]
    public Freshness Freshness { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }
}
