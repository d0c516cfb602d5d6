using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>What happened last.</summary>
public sealed partial class EventList
{
    const int Shown = 14;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }
}
