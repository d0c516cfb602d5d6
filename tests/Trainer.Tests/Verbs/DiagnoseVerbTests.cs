using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Crashes;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Verbs;

public sealed class DiagnoseVerbTests
{
    const string Ucx = "[1697531234.567890] [gpubox:4242 :f]        vfs_fuse.c:281  UCX  ERROR inotify_add_watch(/tmp) failed: No space left on device";
    const string Cublas = "RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, opa, opb, m, n, k)`";

    [Fact]
    public async Task A_log_of_any_program_is_told_in_about_fifteen_lines_with_file_and_line()
    {
        using var temp = new TempFolder();
        var log = Path.Combine(temp.Path, "train.log");
        await File.WriteAllLinesAsync(log, ["epoch 11 starts", Ucx, Cublas]);
        var (code, output, errors) = await TrainerProcess.Run("diagnose", log);
        Assert.Equal((ExitCodes.Done, ""), (code, errors));
        Assert.Contains("train.log:3: " + Cublas, output, StringComparison.Ordinal);
        Assert.Contains("ruled out     " + Ucx, output, StringComparison.Ordinal);
        Assert.Contains("hypothesis", output, StringComparison.Ordinal);
        Assert.InRange(output.Split('\n').Length, 6, 16);
    }

    [Fact]
    public async Task The_json_has_the_pinned_keys()
    {
        using var temp = new TempFolder();
        var log = Path.Combine(temp.Path, "train.log");
        await File.WriteAllLinesAsync(log, [Ucx, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 14.00 GiB."]);
        var (code, output, _) = await TrainerProcess.Run("diagnose", log, "--json");
        var verdict = JsonNode.Parse(output)!.AsObject();
        Assert.Equal(ExitCodes.Done, code);
        Assert.Equal(["cause", "where", "retry", "ruled_out", "could_not_check"], verdict.Select(pair => pair.Key));
        Assert.Equal(["rule", "class", "title", "confidence", "evidence", "remedy"], verdict["cause"]!.AsObject().Select(pair => pair.Key));
        Assert.Equal(["source", "line", "text"], verdict["cause"]!["evidence"]![0]!.AsObject().Select(pair => pair.Key));
        Assert.Equal(("gpu-memory", "train.log", 2), ((string)verdict["cause"]!["class"]!, (string)verdict["cause"]!["evidence"]![0]!["source"]!, (int)verdict["cause"]!["evidence"]![0]!["line"]!));
        Assert.Equal("ucx-inotify-watch", (string)verdict["ruled_out"]![0]!["rule"]!);
        Assert.NotNull(verdict["ruled_out"]![0]!["because"]);
        Assert.Equal(["what", "grant"], verdict["could_not_check"]![0]!.AsObject().Select(pair => pair.Key));
    }

    [Fact]
    public async Task A_path_that_is_not_there_is_one_line()
    {
        var (code, output, errors) = await TrainerProcess.Run("diagnose", "/no/such/thing");
        Assert.Equal((ExitCodes.Usage, ""), (code, output));
        Assert.StartsWith("/no/such/thing: no such file or folder; expected a crash report", errors, StringComparison.Ordinal);
        Assert.Single(errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public void What_cannot_be_diagnosed_says_what_it_is()
    {
        using var temp = new TempFolder();
        var weights = Path.Combine(temp.Path, "weights.bin");
        File.WriteAllBytes(weights, [1, 0, 0, 0, 9]);
        Assert.Contains("no text", Assert.Throws<UserError>(() => DiagnosisSubject.Open(weights)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(weights, [.. "PK\u0003\u0004"u8, 1, 2, 3]);
        Assert.Throws<UserError>(() => DiagnosisSubject.Open(weights));
        Assert.Contains("run.json", Assert.Throws<UserError>(() => DiagnosisSubject.Open(temp.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_told_by_its_newest_report_and_a_report_by_itself()
    {
        using var temp = new TempFolder();
        var path = await CrashEvidenceTests.ReportOf(temp, new Evidence { ExitCode = ExitCodes.DeviceLost, Texts = [new TextSource("stderr", [Ucx, Cublas])] });
        var folder = new RunFolder(Path.GetFullPath(Path.Combine(path, "../..")));
        Identify(folder);
        foreach (var subject in new[] { DiagnosisSubject.Open(path), DiagnosisSubject.Open(folder.Path) })
        {
            var verdict = DiagnosisEngine.Judge(subject.Evidence);
            Assert.Equal(("cublas-execution-failed", "stderr", 2), (verdict.Cause.Rule, verdict.Cause.Evidence[0].Source, verdict.Cause.Evidence[0].Line));
            Assert.Equal("logs/stderr.txt", subject.Files["stderr"]);
        }
    }

    [Fact]
    public void A_run_that_died_unseen_is_told_by_its_recorder_and_its_log()
    {
        using var temp = new TempFolder();
        var folder = new RunFolder(Path.Combine(RunFolder.RunsOf(temp.Path), "run-1"));
        Directory.CreateDirectory(folder.Logs);
        Identify(folder);
        Assert.Contains("without a death", Assert.Throws<UserError>(() => DiagnosisSubject.Open(folder.Path)).Message, StringComparison.Ordinal);
        using (var recorder = FlightRecorder.Create(folder.Recorder, "run-1", 3, ["rank 0 (cpu)"], TimeProvider.System)) recorder.Lanes[0].Mark(RecorderPhase.Fetch);
        File.WriteAllLines(folder.WorkerLog(3), ["2026-11-26 10:00:00.000 stderr starts", "2026-11-26 10:00:01.000 stderr System.IO.IOException: Too many open files : '/data/a.npz'"]);
        var subject = DiagnosisSubject.Open(folder.Path);
        var verdict = DiagnosisEngine.Judge(subject.Evidence);
        Assert.Equal(("open-files", 2), (verdict.Cause.Rule, verdict.Cause.Evidence[0].Line));
        Assert.Equal("logs/worker-000003.log", subject.Files["stderr"]);
    }

    static void Identify(RunFolder folder) => RunCatalog.Write(folder, new RunIdentity
    {
        FormatVersion = 1, RunId = "run-1", Name = "drill", Created = DateTimeOffset.UnixEpoch, Incarnation = 3, Finished = false,
    });
}
