using MudBlazor;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Colours and letters. Red and amber mean alerts, nowhere a series; the GPUs' colours are Okabe and Ito's.</summary>
public static class HouseTheme
{
    /// <summary>GPU 0 to 3, the same on every chart and page; told apart with every kind of colour vision.</summary>
    public static readonly IReadOnlyList<string> GpuColors = ["#0072b2", "#56b4e9", "#009e73", "#cc79a7"];

    // No web font: the box may have no way to the internet, and Japanese ones are megabytes.
    static readonly string[] Fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP", "Yu Gothic UI", "Meiryo", "sans-serif"];

    public static MudTheme Theme { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#1f5f99", Background = "#f4f5f7", Surface = "#ffffff", AppbarBackground = "#ffffff", AppbarText = "#1c2430",
            TextPrimary = "#1c2430", TextSecondary = "#566072", Warning = "#b26a00", Error = "#c62828", Success = "#2e7d32", LinesDefault = "#dfe3e8",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#7fb8ea", Background = "#14181f", Surface = "#1d232c", AppbarBackground = "#1d232c", AppbarText = "#e6eaf0",
            TextPrimary = "#e6eaf0", TextSecondary = "#a0abba", Warning = "#ffb74d", Error = "#ef7070", Success = "#81c784", LinesDefault = "#303947",
        },
        LayoutProperties = new LayoutProperties { AppbarHeight = "52px", DefaultBorderRadius = "6px" },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Fonts },
            Button = new ButtonTypography { FontFamily = Fonts, TextTransform = "none" },
        },
    };
}
