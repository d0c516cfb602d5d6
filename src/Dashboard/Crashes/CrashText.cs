using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Shared.Crashes;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>A crash as one sentence, made from codes: where it died and how it ended.</summary>
public static class CrashText
{
    static readonly Dictionary<int, string> Signals = new()
    {
        [3] = "SIGQUIT", [4] = "SIGILL", [6] = "SIGABRT", [7] = "SIGBUS", [8] = "SIGFPE", [9] = "SIGKILL", [11] = "SIGSEGV", [15] = "SIGTERM",
    };

    public static string Where(IStringLocalizer<Words> texts, CrashSummary crash) =>
        crash.Rank is { } rank ? texts["CrashOnRank", PlaceOf(texts, crash), rank] : PlaceOf(texts, crash);

    static string PlaceOf(IStringLocalizer<Words> texts, CrashSummary crash) => (crash.Step, crash.Phase) switch
    {
        (null, _) => texts["CrashSomewhere"],
        ({ } step, null) => texts["CrashAfterStep", Show.Whole(step)],
        // The recorder tells the steps done: it died in the next one.
        ({ } step, { } phase) => texts["CrashInPhase", PhaseOf(texts, phase), Show.Whole(step + 1)],
    };

    public static string How(IStringLocalizer<Words> texts, CrashSummary crash)
    {
        var kind = texts["Crash_" + crash.Kind] is { ResourceNotFound: false } text ? text.Value : crash.Kind;
        var end = crash.Signal is { } signal ? texts["CrashSignal", signal, Signals.GetValueOrDefault(signal, "")].Value.TrimEnd()
            : crash.ExitCode is { } code ? texts["CrashExit", code].Value : "";
        return end.Length > 0 ? $"{kind} ({end})" : kind;
    }

    /// <summary>A sentence of the trainer in the viewer's language; its English where the code is newer than this program.</summary>
    public static string Of(IStringLocalizer<Words> texts, CodedText sentence) => Of(texts, texts["Said_" + sentence.Code].ResourceNotFound ? "Cause_" : "Said_", sentence);

    /// <summary>What the diagnosis takes for the cause; null where an older trainer does not say it.</summary>
    public static string? CauseOf(IStringLocalizer<Words> texts, CrashSummary crash) => crash.Cause is { } cause ? Of(texts, "Cause_", cause) : null;

    /// <summary>The message, unless it only repeats the cause in English.</summary>
    public static string? MessageOf(CrashSummary crash) =>
        crash.Cause is { } cause && crash.Message.StartsWith(cause.English, StringComparison.Ordinal) ? null : crash.Message;

    static string Of(IStringLocalizer<Words> texts, string kind, CodedText sentence)
    {
        var text = texts[kind + sentence.Code];
        return text.ResourceNotFound ? sentence.English : sentence.Parameters.Aggregate(text.Value, (filled, parameter) =>
            filled.Replace("{" + parameter.Key + "}", parameter.Value, StringComparison.Ordinal));
    }

    static string PhaseOf(IStringLocalizer<Words> texts, string phase) => texts["Phase_" + phase] is { ResourceNotFound: false } text ? text.Value : phase;
}
