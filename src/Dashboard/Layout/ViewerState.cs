namespace Mcn.Web.Dashboard.Layout;

/// <summary>What one open page has chosen for itself; one per circuit.</summary>
public sealed class ViewerState
{
    public const string ThemeCookie = "mcn-theme";

    public bool IsDark { get; private set; }

    /// <summary>Network address that the page was opened from; null: unknown.</summary>
    public string? Address { get; set; }

    /// <summary>The theme changed; charts repaint themselves.</summary>
    public event Action? Changed;

    public void SetDark(bool dark)
    {
        if (IsDark == dark) return;
        IsDark = dark;
        Changed?.Invoke();
    }
}
