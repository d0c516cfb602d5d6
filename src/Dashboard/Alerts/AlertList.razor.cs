using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Alerts;

/// <summary>Alerts that stand.</summary>
public sealed partial class AlertList
{
    /// <summary>Alerts that stand.</summary>
    [Parameter]
    public IReadOnlyList<Alert> Standing { get; set; } = [];

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }
}
