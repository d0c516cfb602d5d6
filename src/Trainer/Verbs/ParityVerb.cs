using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Parity;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`parity`: this program's numbers against the original's, one line a check.</summary>
static class ParityVerb
{
    static readonly Argument<string> Folder = new("DIR") { Description = "A folder of golden vectors: description.json and .npz files" };
    static readonly Option<string[]> Only = new("--only") { Description = "Only this group of checks; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object a check instead of a line" };

    public static Command Command()
    {
        var command = new Command("parity", "Compares this program with a folder of golden vectors; exit code 1 if any check fails") { Folder, Only, Json };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var only = arguments.GetValue(Only) ?? [];
        if (only.Except(ParityRun.Names).FirstOrDefault() is { } unknown)
            throw new UserError("--only", $"'{unknown}'", string.Join(", ", ParityRun.Names), "", ExitCodes.Usage);
        var golden = GoldenFolder.Open(arguments.GetRequiredValue(Folder));
        var json = arguments.GetValue(Json);
        var report = new ParityReport(check => Console.WriteLine(json ? Line(check) : Text(check)), (name, reason) => Console.WriteLine(json ? Line(name, reason) : $"skipped {name}: {reason}"));
        var began = Stopwatch.GetTimestamp();
        ParityRun.Check(golden, report, only);
        var summary = string.Create(CultureInfo.InvariantCulture, $"{report.Passed} passed, {report.Failed} failed, {report.Skipped} skipped");
        if (json) Console.WriteLine(new JsonObject { ["passed"] = report.Passed, ["failed"] = report.Failed, ["skipped"] = report.Skipped }.ToJsonString());
        else Console.WriteLine($"{golden.Path}: {summary} in {Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)} s");
        // A folder that offers nothing has shown nothing.
        return report.Failed == 0 && report.Passed > 0 ? ExitCodes.Done : ExitCodes.Fails;
    }

    static string Text(ParityCheck check)
    {
        var error = double.IsNaN(check.Error) ? "-" : check.Error.ToString("0.0e+00", CultureInfo.InvariantCulture);
        var note = check.Note.Length == 0 ? "" : $"  ({check.Note})";
        return string.Create(CultureInfo.InvariantCulture, $"{(check.Passed ? "pass" : "FAIL")}  {check.Name,-64} error {error,8}  limit {check.Limit:0.0e+00}{note}");
    }

    static string Line(ParityCheck check)
    {
        var line = new JsonObject { ["name"] = check.Name, ["error"] = double.IsFinite(check.Error) ? check.Error : null, ["limit"] = check.Limit, ["passed"] = check.Passed };
        if (check.Note.Length > 0) line["note"] = check.Note;
        return line.ToJsonString();
    }

    static string Line(string name, string reason) => new JsonObject { ["name"] = name, ["skipped"] = reason }.ToJsonString();
}
