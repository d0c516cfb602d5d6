using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Root of the interactive part; carries the theme cookie and the viewer's address into the circuit.</summary>
public sealed partial class Routes
{
    [Parameter]
    public bool IsDark { get; set; }

    [Parameter]
    public string? Address { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    protected override void OnInitialized()
    {
        Viewer.SetDark(IsDark);
        Viewer.Address = Address;
    }
}
