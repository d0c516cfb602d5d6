using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>The newest lines of the trainer's log.</summary>
public sealed partial class LogPanel
{
    const int Shown = 14;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }
}
