using System.Globalization;
using System.Text.RegularExpressions;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Alerts;

/// <summary>
/// An alert in the viewer's language, from its code and parameters; the trainer's English where the code is newer than this
/// program. And which alerts still stand: one is raised once and taken back by `CODE_cleared` with the same subject.
/// </summary>
public static partial class AlertText
{
    const string Cleared = "_cleared";
    static readonly string[] Subjects = ["mount", "gpu", "scope"];
    static readonly HashSet<string> Serious = ["run_failed", "checkpoint_failed", "journal_unflushed", "gpu_xid", "disk_space_low", "inodes_low", "memory_low"];

    public static string Of(IStringLocalizer<Words> texts, Alert alert)
    {
        var isCleared = IsCleared(alert);
        var text = texts["Alert_" + (isCleared ? alert.Code[..^Cleared.Length] : alert.Code)];
        if (text.ResourceNotFound) return alert.Text;
        var filled = Placeholder().Replace(text.Value, match => Parameter(texts, alert, match.Groups[1].Value));
        // Nobody is to run for a fire extinguisher because of made-up figures.
        if (alert.Parameters.ContainsKey("simulated")) filled = $"{texts["Simulated"].Value} {filled}";
        return isCleared ? texts["AlertCleared", filled] : filled;
    }

    public static bool IsCleared(Alert alert) => alert.Code.EndsWith(Cleared, StringComparison.Ordinal);

    public static bool IsSerious(Alert alert) => Serious.Contains(alert.Code);

    public static IReadOnlyList<Alert> Standing(IReadOnlyList<Alert> alerts)
    {
        var standing = new Dictionary<(string, string), Alert>();
        foreach (var alert in alerts)
        {
            if (IsCleared(alert)) standing.Remove((alert.Code[..^Cleared.Length], Subject(alert)));
            else standing[(alert.Code, Subject(alert))] = alert;
        }

        return [.. standing.Values.OrderByDescending(alert => alert.Time)];
    }

    static string Subject(Alert alert) => string.Join(' ', Subjects.Select(key => alert.Parameters.GetValueOrDefault(key)));

    static string Parameter(IStringLocalizer<Words> texts, Alert alert, string name)
    {
        // Texts that a program of another language wrote (a path, an error) stay as they are.
        if (name == "text") return alert.Text;
        if (!alert.Parameters.TryGetValue(name, out var value)) return Show.Nothing;
        if (name.EndsWith("_bytes", StringComparison.Ordinal) && double.TryParse(value, CultureInfo.InvariantCulture, out var bytes)) return Show.GiB((long)bytes);
        return name switch
        {
            "scope" => Word(texts, "Scope_" + value) ?? value,
            "purpose" => Purposes(texts, value),
            "meaning" => OfXid(texts, alert, "XidMeaning_") ?? value,
            "remedy" => OfXid(texts, alert, "XidRemedy_") ?? value,
            _ => value,
        };
    }

    /// <summary>Why a disk is watched: one word for each code between the commas.</summary>
    public static string Purposes(IStringLocalizer<Words> texts, string codes) =>
        string.Join(texts["ListComma"], codes.Split(',').Select(code => Word(texts, "Purpose_" + code) ?? code));

    static string? OfXid(IStringLocalizer<Words> texts, Alert alert, string kind) =>
        alert.Parameters.TryGetValue("xid", out var xid) ? Word(texts, kind + xid) ?? Word(texts, kind + "other") : null;

    static string? Word(IStringLocalizer<Words> texts, string key) => texts[key] is { ResourceNotFound: false } text ? text.Value : null;

    [GeneratedRegex(@"\{([a-z_]+)\}")]
    private static partial Regex Placeholder();
}
