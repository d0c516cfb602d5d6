using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>A moment, written by the browser in the viewer's own zone.</summary>
public sealed partial class LocalTime
{
    /// <summary>The moment.</summary>
    [Parameter, EditorRequired]
    public DateTimeOffset Time { get; set; }

    /// <summary>Date and time instead of the time of day.</summary>
    [Parameter]
    public bool WithDate { get; set; }

    [Parameter]
    public string? Class { get; set; }
}
