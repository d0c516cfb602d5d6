using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Charts;

/// <summary>How the charts are to be shown.</summary>
public sealed partial class ChartBar
{
    /// <summary>What is chosen.</summary>
    [Parameter]
    public ChartChoice Choice { get; set; } = new();

    [Parameter]
    public EventCallback<ChartChoice> ChoiceChanged { get; set; }

    /// <summary>A restart went back over steps.</summary>
    [Parameter]
    public bool HasOvertaken { get; set; }

    Task Change(ChartChoice choice) => ChoiceChanged.InvokeAsync(choice);
}
