using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>Every death the dummy knows: what the banner says, and what the report holds.</summary>
public sealed class DeathTests
{
    /// <summary>Waits so long for the next try that the test's own restart of the daemon comes first.</summary>
    static readonly RestartPolicy PatientTwice = new() { MostRestartsAnHour = 2, SameStepTwiceIsHopeless = false, FirstDelay = TimeSpan.FromMinutes(10), LongestDelay = TimeSpan.FromMinutes(10) };

    static readonly RestartPolicy Never = new() { MostRestartsAnHour = 0 };

    [Fact]
    public async Task Exit_code_137_is_told_apart_from_sigkill()
    {
        var (left, leftReport) = await DieAsync("exit-137");
        var (killed, killedReport) = await DieAsync("sigkill");

        Assert.Equal((137, null, "exit"), (left.ExitCode, left.Signal, left.Crash!.Kind));
        Assert.Equal((null, 9, "killed"), (killed.ExitCode, killed.Signal, killed.Crash!.Kind));
        Assert.Contains("exit code 137, no signal", leftReport["README.md"], StringComparison.Ordinal);
        Assert.Contains("SIGKILL", killedReport["README.md"], StringComparison.Ordinal);
        Assert.Contains("\"class\": \"program-error\"", leftReport["verdict.json"], StringComparison.Ordinal);
        Assert.Contains("\"class\": \"stopped\"", killedReport["verdict.json"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abort", 6, "native-crash")]
    [InlineData("segfault", 11, "native-crash")]
    [InlineData("bad-alloc", 6, "host-memory")]
    public async Task A_native_death_is_told_with_its_signal_and_the_steps_before(string scenario, int signal, string kind)
    {
        var (exit, report) = await DieAsync(scenario);

        Assert.Equal((signal, null), (exit.Signal, exit.ExitCode));
        Assert.Equal(("native_abort", 5L, "backward"), (exit.Crash!.Kind, exit.Crash.Step, exit.Crash.Phase));
        Assert.Contains($"\"class\": \"{kind}\"", report["verdict.json"], StringComparison.Ordinal);
        AssertWhole(report);
    }

    [Fact]
    public async Task The_ucx_line_is_ruled_out_and_the_cublas_error_is_the_cause()
    {
        var (exit, report) = await DieAsync("cublas");

        Assert.Equal((ExitCodes.DeviceLost, "exception"), (exit.ExitCode, exit.Crash!.Kind));
        Assert.Contains("CUBLAS_STATUS_EXECUTION_FAILED", exit.Crash.Message, StringComparison.Ordinal);
        var ruledOut = Assert.Single(exit.Crash.RuledOut);
        Assert.Contains("vfs_fuse.c:281", ruledOut.Text, StringComparison.Ordinal);
        Assert.Equal("ucx-inotify-watch", ruledOut.Because.Code);
        Assert.Contains("inotify", ruledOut.Because.English, StringComparison.Ordinal);
        var verdict = JsonSerializer.Deserialize(report["verdict.json"], McnJson.Default.Verdict)!;
        Assert.Equal("cublas-execution-failed", verdict.Cause.Rule);
        Assert.DoesNotContain(verdict.Cause.Evidence, line => line.Text.Contains("vfs_fuse", StringComparison.Ordinal));
        Assert.Contains(verdict.RuledOut, entry => entry.Rule == "ucx-inotify-watch");
        Assert.Contains("CUBLAS_STATUS_EXECUTION_FAILED", report["process/last_words.txt"], StringComparison.Ordinal);
        Assert.Contains("vfs_fuse.c:281", report["logs/stderr.txt"], StringComparison.Ordinal);
        AssertWhole(report);
    }

    [Fact]
    public async Task An_exception_leaves_its_text_and_an_out_of_memory_is_not_tried_again()
    {
        await using var fixture = new SupervisorFixture("exception");
        fixture.Start();
        var exit = await fixture.UntilAsync<WorkerExited>();
        var report = await fixture.ReportAsync();

        Assert.Equal((ExitCodes.DeviceMemory, "exception"), (exit.ExitCode, exit.Crash!.Kind));
        Assert.StartsWith("gives up", exit.Crash.Next.English, StringComparison.Ordinal);
        Assert.Contains("CUDA out of memory", report["process/last_words.txt"], StringComparison.Ordinal);
        Assert.Contains("\"class\": \"gpu-memory\"", report["verdict.json"], StringComparison.Ordinal);
        Assert.Equal(0, await fixture.StopAsync());
    }

    [Fact]
    public async Task A_hanging_worker_is_ended_and_told_as_a_hang_even_when_it_ignores_sigterm()
    {
        await using var fixture = new SupervisorFixture("ignore-sigterm")
        {
            HangLimits = new HangLimits(TimeSpan.FromMilliseconds(700), 20, TimeSpan.FromSeconds(20)),
            TermGrace = TimeSpan.FromMilliseconds(300),
            Restarts = Never,
        };
        fixture.Start();
        var exit = await fixture.UntilAsync<WorkerExited>();
        var report = await fixture.ReportAsync();

        Assert.Equal(("hang", 9, "backward"), (exit.Crash!.Kind, exit.Signal, exit.Crash.Phase));
        Assert.Contains("stands still", exit.Crash.Message, StringComparison.Ordinal);
        Assert.Contains("thread ", report["process/threads.txt"], StringComparison.Ordinal);
        Assert.Contains("\"class\": \"hang\"", report["verdict.json"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_crashed_worker_is_started_again_and_the_run_finishes()
    {
        await using var fixture = new SupervisorFixture("sigkill", "abort", "clean");
        fixture.Restarts = new RestartPolicy { FirstDelay = TimeSpan.FromMilliseconds(20), MostRestartsAnHour = 5, SameStepTwiceIsHopeless = false };
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Finished);

        var exits = fixture.Journal("supervisor").OfType<WorkerExited>().ToList();
        Assert.Equal([1, 2, 3], exits.Select(exit => exit.WorkerIncarnation));
        Assert.Equal([9, 6, null], exits.Select(exit => exit.Signal));
        Assert.Null(exits[2].Crash);
        var attempts = (await fixture.ReportAsync(2))["attempts.json"];
        Assert.Contains("\"incarnation\": 2", attempts, StringComparison.Ordinal);
        Assert.Equal(0, await fixture.StopAsync());
    }

    [Fact]
    public async Task Deaths_are_counted_over_restarts_of_the_daemon_until_a_person_looks()
    {
        await using var fixture = new SupervisorFixture("sigkill") { Restarts = PatientTwice };
        fixture.Start();
        for (var worker = 1; worker <= 3; worker++)
        {
            var exit = await fixture.UntilAsync<WorkerExited>(record => record.WorkerIncarnation == worker);
            Assert.Equal(worker <= 2 ? "restart" : "give_up_too_often", exit.Crash!.Next.Code);
            await fixture.UntilAsync<RunStateChanged>(record => record.State == RunState.Crashed && record.Time >= exit.Time);
            await fixture.RestartAsync();
        }

        // Given up: the fourth daemon starts no worker.
        await SupervisorFixture.WaitForAsync(() => LocalSocket.Call(fixture.Trainer, new SocketRequest("status", null)) is not null, "the socket");
        Assert.Equal(3, fixture.Journal("supervisor").OfType<WorkerExited>().Count());
        Assert.Equal(ExitCodes.Done, LocalSocket.Call(fixture.Trainer, new SocketRequest("Resume", null))!.ExitCode);
        var fourth = await fixture.UntilAsync<WorkerExited>(record => record.WorkerIncarnation == 4);
        Assert.Equal(("restart", "1"), (fourth.Crash!.Next.Code, fourth.Crash.Next.Parameters["attempt"]));
    }

    [Fact]
    public async Task A_daemon_that_dies_with_its_worker_again_and_again_is_given_up_too()
    {
        await using var fixture = new SupervisorFixture("sigkill") { Restarts = PatientTwice };
        var now = TimeProvider.System.GetUtcNow();
        var log = new Serilog.LoggerConfiguration().CreateLogger();
        DeathLog.Write(fixture.Run, [new Death(now.AddMinutes(-2), null, null), new Death(now.AddMinutes(-1), null, null)], log);
        using (var unseen = WorkerProcess.Start([.. SupervisorFixture.DummyCommand, "work", "--run", fixture.Run.Path], WorkerEnvironment.Create(), (_, _) => { }))
            Assert.Equal(9, (await unseen.Ended).Signal);
        fixture.Start();

        var crashed = await fixture.UntilStateAsync(RunState.Crashed);
        Assert.Equal("give_up_too_often", crashed.Reason!.Code);
        Assert.Equal(3, DeathLog.Read(fixture.Run, log).Count);
        Assert.Single(fixture.Journal("supervisor").OfType<WorkerExited>());
    }

    [Fact]
    public async Task A_file_of_deaths_of_another_version_or_torn_is_left_aside()
    {
        await using var fixture = new SupervisorFixture("clean");
        var log = new Serilog.LoggerConfiguration().CreateLogger();
        DeathLog.Write(fixture.Run, Enumerable.Range(0, 100).Select(i => new Death(DateTimeOffset.UnixEpoch.AddHours(i), null, i)), log);
        Assert.Equal((32, 99L), (DeathLog.Read(fixture.Run, log).Count, DeathLog.Read(fixture.Run, log)[^1].Step));
        foreach (var text in new[] { "{\"format_version\":2,\"deaths\":[]}", "{\"format_ver" })
        {
            await File.WriteAllTextAsync(fixture.Run.Deaths, text);
            Assert.Empty(DeathLog.Read(fixture.Run, log));
        }
    }

    static async Task<(WorkerExited Exit, IReadOnlyDictionary<string, string> Report)> DieAsync(string scenario)
    {
        await using var fixture = new SupervisorFixture(scenario) { Restarts = Never };
        fixture.Start();
        var exit = await fixture.UntilAsync<WorkerExited>();
        return (exit, await fixture.ReportAsync());
    }

    /// <summary>What every report of a worker that had trained must hold, each file as its manifest says.</summary>
    static void AssertWhole(IReadOnlyDictionary<string, string> report)
    {
        var manifest = JsonSerializer.Deserialize(report["manifest.json"], McnJson.Default.CrashManifest)!;
        Assert.Equal(report.Keys.Where(name => name != "manifest.json").Order(StringComparer.Ordinal), manifest.Files.Select(file => file.Name).Order(StringComparer.Ordinal));
        Assert.Contains("train.loss", report["steps/last_steps.jsonl"], StringComparison.Ordinal);
        Assert.Contains("\"steps_done\": 5", report["steps/failing_step.json"], StringComparison.Ordinal);
        Assert.Contains("10,", report["steps/failing_step.json"], StringComparison.Ordinal); // the first sample of step 5
        Assert.Contains("backward", report["ring/lanes.jsonl"], StringComparison.Ordinal);
        Assert.Contains("dummy", report["config/config.json"], StringComparison.Ordinal);
        Assert.Contains("UCX_VFS_ENABLE", report["env/variables.json"], StringComparison.Ordinal);
        Assert.DoesNotContain("\"HOME\"", report["env/variables.json"], StringComparison.Ordinal);
        Assert.True(report.ContainsKey("ring/recorder.bin"));
    }
}
