using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>Every death the dummy knows: what the banner says, and what the report holds.</summary>
public sealed class DeathTests
{
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
