using System.IO.Compression;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Diagnosis;

namespace Mcn.Web.Trainer.Tests.Crashes;

/// <summary>A report tells again what its verdict was made of.</summary>
public sealed class CrashEvidenceTests
{
    /// <summary>Cases whose evidence a scene can carry: not a log by itself, and not the kernel's log, which is this machine's.</summary>
    static IEnumerable<FaultCase> OfWorkers() => FaultTests.Cases().Where(one => !one.Evidence.IsText && !one.Evidence.KernelLogRead);

    [Fact]
    public async Task The_verdict_of_a_report_is_the_one_stored_in_it()
    {
        var cases = OfWorkers().ToList();
        Assert.True(cases.Count > 40, $"{cases.Count} cases");
        foreach (var one in cases)
        {
            using var temp = new TempFolder();
            var path = await ReportOf(temp, one.Evidence);
            using var file = File.OpenRead(path);
            var again = DiagnosisEngine.Judge(CrashEvidence.Of(file));
            Assert.Equal(Stored(path), JsonSerializer.Serialize(again, McnJson.Default.Verdict));
        }
    }

    [Fact]
    public async Task A_report_with_secrets_removed_comes_to_the_same_cause()
    {
        using var temp = new TempFolder();
        var path = await ReportOf(temp, new Evidence { ExitCode = ExitCodes.Storage, Texts = [new TextSource("stderr", ["token=abc123 used", "No space left on device : '/home/tanaka/runs/x'"])] });
        using var file = File.OpenRead(path);
        var verdict = DiagnosisEngine.Judge(CrashEvidence.Of(file));
        Assert.Equal(("disk-full", 2), (verdict.Cause.Rule, verdict.Cause.Evidence[0].Line));
        Assert.Equal(Stored(path), JsonSerializer.Serialize(verdict, McnJson.Default.Verdict));
    }

    [Fact]
    public void A_zip_that_is_no_report_is_refused()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry("x/readme.txt");
        Assert.Contains("exit.json", Assert.Throws<InvalidDataException>(() => CrashEvidence.Of(stream)).Message, StringComparison.Ordinal);
    }

    static string Stored(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        using var stream = zip.Entries.Single(entry => entry.Name == "verdict.json").Open();
        return JsonSerializer.Serialize(JsonSerializer.Deserialize(stream, McnJson.Default.Verdict)!, McnJson.Default.Verdict);
    }

    /// <summary>As the supervisor makes it: investigated, then packed.</summary>
    internal static async Task<string> ReportOf(TempFolder temp, Evidence evidence)
    {
        var folder = new RunFolder(Path.Combine(RunFolder.RunsOf(temp.Path), "run-1"));
        Directory.CreateDirectory(folder.Path);
        string? words = evidence.Texts.FirstOrDefault(source => source.Name == "last_words") is { } source ? string.Join('\n', source.Lines) : null;
        using (var recorder = FlightRecorder.Create(folder.Recorder, "run-1", 1, ["rank 0 (cpu)"], TimeProvider.System))
        {
            recorder.Lanes[0].Mark(RecorderPhase.Forward);
            if (words is not null) recorder.LastWords(words);
        }

        TelemetryRecord[] recent = [.. evidence.Host.SkipLast(1), .. evidence.Gpu.SkipLast(1)];
        var crash = CrashInvestigator.Investigate(new CrashScene
        {
            Folder = folder, WorkerIncarnation = 1, Time = TimeProvider.System.GetUtcNow(), ExitCode = evidence.ExitCode, Signal = evidence.Signal, Hang = evidence.Hang,
            ErrorTail = evidence.Texts.FirstOrDefault(source => source.Name == "stderr")?.Lines ?? [], Recorder = RecorderReader.Read(folder.Recorder),
            RecorderBytes = await File.ReadAllBytesAsync(folder.Recorder), Recent = [.. recent.Select(record => record with { Id = new RecordId("run-1", 1, "supervisor", 1), Time = TimeProvider.System.GetUtcNow() })],
            HostAtDeath = evidence.Host.Count > 0 ? evidence.Host[^1] : null, GpuAtDeath = evidence.Gpu.Count > 0 ? evidence.Gpu[^1] : null, OutOfMemoryKills = evidence.OutOfMemoryKills,
        }, _ => new CodedText("restart", "next"));
        return await CrashArchive.WriteAsync(crash, CrashParts.Of(crash, new Dictionary<string, string>()), TimeProvider.System);
    }
}
