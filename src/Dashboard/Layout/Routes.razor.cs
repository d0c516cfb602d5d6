using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Root of the interactive part; carries the theme cookie into the circuit.</summary>
public sealed partial class Routes
{
    [Parameter]
    public bool IsDark { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    protected override void OnInitialized() => Viewer.SetDark(IsDark);
}
