using System.CommandLine;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Diagnosis;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`diagnose`: what ended a program, out of a crash report, the folder of a run, or a log of any program.</summary>
static class DiagnoseVerb
{
    static readonly Argument<string> Where = new("PATH") { Description = "A crash report (.zip), the folder of a run, or a log file of any program (PyTorch, NCCL, dmesg); - for standard input" };
    static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    public static Command Command()
    {
        var command = new Command("diagnose", "What ended a program: cause, confidence, evidence, what it was not, what to do. Works on a crash report, a run, or a log of any program") { Where, Json };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var subject = DiagnosisSubject.Open(arguments.GetRequiredValue(Where));
        var verdict = DiagnosisEngine.Judge(subject.Evidence);
        if (subject.OmittedBytes > 0) verdict = verdict with { CouldNotCheck = [.. verdict.CouldNotCheck, new(FormattableString.Invariant($"{subject.OmittedBytes} bytes in the middle of the log"), "cut out the part of interest, or give the log of one attempt")] };
        if (arguments.GetValue(Json)) Console.WriteLine(JsonSerializer.Serialize(verdict, McnJson.Default.Verdict));
        else VerdictText.Print(subject, verdict);
        return ExitCodes.Done;
    }
}
