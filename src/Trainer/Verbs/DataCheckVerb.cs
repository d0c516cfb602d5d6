using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Checking;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data check`: finds every file and caption that training would stumble over.</summary>
static class DataCheckVerb
{
    const int ExamplesShown = 3;

    static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    static readonly Argument<FileInfo> Config = new("CONFIG") { Description = "Configuration of a run (JSON): its list, features and captions, or its pack, are checked; or the folder of a pack" };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "Print the report as JSON" };
    static readonly Option<FileInfo?> Report = new("--report") { Description = "Write the report as JSON to this file" };
    static readonly Option<int?> Threads = new("--threads") { Description = "Files are read by so many threads (default: data.num_thread_reader)" };
    static readonly Option<string> Data = new("--data") { Description = "Folder for the state of an interrupted check (default: .mcn in the clone)", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MCN_DATA") ?? ".mcn" };

    public static Command Command()
    {
        var command = new Command("check", "Finds every missing, torn, wrongly shaped or non-finite file and every faulty caption; exit code 1 when there is one. "
            + "Interrupted, it goes on where it was")
        {
            Config, Set, Json, Report, Threads, Data,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var file = arguments.GetRequiredValue(Config).FullName;
        var config = Directory.Exists(file) ? null : RunConfigFile.Read(file, arguments.GetValue(Set) ?? []);
        var pack = config is null ? file : config.Data.Shards;
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var began = Stopwatch.GetTimestamp();
        CheckReport report;
        using (var progress = new ProgressLine())
        {
            try
            {
                var state = Path.Combine(Path.GetFullPath(arguments.GetValue(Data)!), "checks");
                report = pack.Length > 0 ? PackCheck.Run(pack, file, state, Show, stop.Token)
                    : DataCheck.Run(config!, file, state, Math.Clamp(arguments.GetValue(Threads) ?? config!.Data.NumThreadReader, 1, 1024), Show, stop.Token);
                void Show(CheckProgress at) => progress.Show(at.Checked, at.Videos, at.CheckedNow, at.BytesNow, FormattableString.Invariant($"{at.Findings:N0} findings"));
            }
            catch (OperationCanceledException)
            {
                progress.Dispose();
                Console.Error.WriteLine("stopped; the same command goes on where it was");
                return ExitCodes.SavedAndReleased;
            }
        }

        if (arguments.GetValue(Report) is { } path) CompleteFile.Write(path.FullName, stream => JsonSerializer.Serialize(stream, report.ToJson(), Indented));
        if (arguments.GetValue(Json)) Console.WriteLine(report.ToJson().ToJsonString());
        else Print(report, Stopwatch.GetElapsedTime(began));
        return report.Count == 0 ? ExitCodes.Done : ExitCodes.Fails;
    }

    static void Print(CheckReport report, TimeSpan took)
    {
        foreach (var (kind, count) in report.Counts)
        {
            Console.WriteLine($"{kind}: {count}");
            var examples = report.Findings.Where(finding => finding.Kind == kind).Take(ExamplesShown).ToList();
            foreach (var finding in examples) Console.WriteLine($"  row {finding.Row}: {finding.Subject}: {finding.Found}; expected {finding.Expected}");
            if (count > examples.Count) Console.WriteLine($"  … and {count - examples.Count} more (--report FILE has them)");
        }

        Console.WriteLine(FormattableString.Invariant($"{report.Videos} videos, {report.Bytes / 1e6:F1} MB, checked in {took.TotalSeconds:F1} s")
            + (report.ResumedVideos > 0 ? $" (the first {report.ResumedVideos} videos by an earlier check)" : "")
            + (report.Count == 0 ? ": nothing wrong" : $": {report.Count} findings"));
    }
}
