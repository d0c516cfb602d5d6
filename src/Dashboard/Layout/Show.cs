using System.Globalization;
using Mcn.Web.Dashboard.Resources;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>Numbers as people read them, in their language; unit signs are the same in all of them.</summary>
public static class Show
{
    public const string Nothing = "—";

    /// <summary>An age or a remaining time in its two largest units.</summary>
    public static string Span(IStringLocalizer<Words> texts, TimeSpan span)
    {
        if (span < TimeSpan.Zero) span = TimeSpan.Zero;
        return span switch
        {
            { TotalSeconds: < 60 } => texts["SpanSeconds", (int)span.TotalSeconds],
            { TotalMinutes: < 60 } => texts["SpanMinutes", (int)span.TotalMinutes, span.Seconds],
            { TotalHours: < 48 } => texts["SpanHours", (int)span.TotalHours, span.Minutes],
            _ => texts["SpanDays", (int)span.TotalDays, span.Hours],
        };
    }

    public static string Age(IStringLocalizer<Words> texts, DateTimeOffset now, DateTimeOffset? then) =>
        then is { } time ? texts["Ago", Span(texts, now - time)] : Nothing;

    public static string Whole(long? number) => number?.ToString("N0", CultureInfo.CurrentCulture) ?? Nothing;

    /// <summary>Four digits that count; not-a-number is said, not hidden.</summary>
    public static string Figure(double? value) => value switch
    {
        null => Nothing,
        double.NaN => "NaN",
        { } number when double.IsInfinity(number) => number > 0 ? "∞" : "−∞",
        { } number when number != 0 && (Math.Abs(number) < 0.001 || Math.Abs(number) >= 1e6) => number.ToString("0.00e0", CultureInfo.CurrentCulture),
        { } number => number.ToString(Math.Abs(number) >= 100 ? "N1" : Math.Abs(number) >= 1 ? "0.00#" : "0.####", CultureInfo.CurrentCulture),
    };

    public static string Percent(double? share, int digits = 0) =>
        share is { } value && double.IsFinite(value) ? (value * 100).ToString("F" + digits, CultureInfo.CurrentCulture) + " %" : Nothing;

    public static string GiB(long? bytes) => bytes is { } value ? ((double)value / (1L << 30)).ToString(value >= 100L << 30 ? "N0" : "0.0", CultureInfo.CurrentCulture) + " GiB" : Nothing;

    /// <summary>The size of a file in the unit that leaves figures before the point.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1L << 10 => $"{bytes} B",
        < 1L << 20 => In(bytes, 1L << 10, "KiB"),
        < 1L << 30 => In(bytes, 1L << 20, "MiB"),
        _ => In(bytes, 1L << 30, "GiB"),
    };

    static string In(long bytes, long unit, string sign) => ((double)bytes / unit).ToString("0.0", CultureInfo.CurrentCulture) + " " + sign;
}
