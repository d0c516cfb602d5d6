using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.JSInterop;
using MudBlazor;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Frame of every page: where to go, language, theme, way out.</summary>
public sealed partial class MainLayout
{
    static readonly (string Href, string Text, string Icon, NavLinkMatch Match)[] Places =
    [
        ("", "PageNow", Icons.Material.Filled.Speed, NavLinkMatch.All),
        ("runs", "PageRuns", Icons.Material.Filled.List, NavLinkMatch.Prefix),
        ("crashes", "PageCrashes", Icons.Material.Filled.ReportProblem, NavLinkMatch.Prefix),
        ("commands", "PageCommands", Icons.Material.Filled.History, NavLinkMatch.Prefix),
        ("settings", "PageSettings", Icons.Material.Filled.Settings, NavLinkMatch.Prefix),
    ];

    [Inject]
    public required ViewerState Viewer { get; set; }

    [Inject]
    public required NavigationManager Navigation { get; set; }

    [Inject]
    public required IJSRuntime Script { get; set; }

    static string OtherLanguage => CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "ja" ? "en" : "ja";

    string LanguageLink => $"preferences/language/{OtherLanguage}?returnUrl={Uri.EscapeDataString(new Uri(Navigation.Uri).PathAndQuery)}";

    async Task SwitchThemeAsync()
    {
        Viewer.SetDark(!Viewer.IsDark);
        await Script.InvokeVoidAsync("mcn.setTheme", ViewerState.ThemeCookie, Viewer.IsDark ? "dark" : "light");
    }
}
