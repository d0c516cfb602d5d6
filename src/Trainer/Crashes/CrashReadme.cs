using System.Globalization;
using System.Text;
using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>The first page of a report: the verdict for people.</summary>
static class CrashReadme
{
    public static string Of(CrashCase crash)
    {
        var (summary, verdict) = (crash.Summary, crash.Verdict);
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"# {verdict.Cause.Title}");
        Line($"");
        Line($"{summary.Message}");
        Line($"");
        Line($"- run {summary.RunId}, worker {summary.WorkerIncarnation}, {summary.Time:yyyy-MM-dd HH:mm:ss} UTC");
        Line($"- died {(summary.Step is { } step ? $"after step {step}" : "before its first step")}, phase {summary.Phase ?? "unknown"}{(summary.Rank is { } rank ? $", on {rank}" : "")}");
        Line($"- how: {How(summary)}; kind: {summary.Kind}");
        Line($"- cause: {verdict.Cause.Class} (rule {verdict.Cause.Rule}, {verdict.Cause.Confidence}); where: {verdict.Where}; unchanged retry: {verdict.Retry}");
        Line($"- what to do: {verdict.Cause.Remedy}");
        Line($"- what happens now: {summary.Next}");
        Section(text, "Evidence", verdict.Cause.Evidence.Select(line => $"{line.Source}{(line.Line > 0 ? $":{line.Line}" : "")}: {line.Text}"));
        Section(text, "Ruled out", verdict.RuledOut.Select(entry => entry.Text is null ? $"{entry.Rule}: {entry.Because}" : $"`{entry.Text}`: {entry.Because}"));
        Section(text, "Could not be checked", verdict.CouldNotCheck.Select(entry => $"{entry.What}. To allow it: {entry.Grant}"));
        Section(text, "Files",
        [
            "verdict.json, summary.json: this page for programs", "logs/: the end of what the worker and the daemon printed",
            "ring/: the flight recorder, phase by phase", "steps/: the last steps and the samples of the failing one",
            "host/, gpu/: the machine in the minutes before and at death", "attempts.json: earlier deaths of this run", "commands.jsonl: what people asked of this run, and what became of it",
            "manifest.json: every file with its hash, and what could not be had",
        ]);
        return text.ToString();
    }

    static string How(CrashSummary summary) => summary.Signal is { } signal ? $"signal {signal} ({SignalNames.Of(signal)})"
        : summary.ExitCode is { } code ? $"exit code {code}, no signal" : "nobody saw it";

    static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## {title}").AppendLine();
        var any = false;
        foreach (var line in lines)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {line}");
            any = true;
        }

        if (!any) text.AppendLine("nothing");
    }
}
