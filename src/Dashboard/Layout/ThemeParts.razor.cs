using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

public sealed partial class ThemeParts : IDisposable
{
    [Inject]
    public required ViewerState Viewer { get; set; }

    protected override void OnInitialized() => Viewer.Changed += StateHasChangedSoon;

    public void Dispose() => Viewer.Changed -= StateHasChangedSoon;

    void StateHasChangedSoon() => _ = InvokeAsync(StateHasChanged);
}
