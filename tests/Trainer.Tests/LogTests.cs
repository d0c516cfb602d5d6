using System.Text.Json;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Tests.Supervisor;

namespace Mcn.Web.Trainer.Tests;

/// <summary>The daemon's lines, from the real process through the real sink to a stand-in for Seq.</summary>
public sealed class LogTests
{
    /// <summary>The sink sends every two seconds, and after its second failure in ten.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Lines_reach_seq_with_run_incarnation_and_step_and_those_of_its_absence_come_after()
    {
        using var seq = new SeqStandIn();
        await using var fixture = new SupervisorFixture("sigkill", "slow");
        using var daemon = Serve(fixture, seq.Url);

        var ended = await seq.UntilAsync(line => Says(line, "Worker {Pid} ended: {End}"), Patience);
        Assert.Equal((fixture.Run.RunId, 1, 5L, "trainer"), (ended.GetProperty("run").GetString(), ended.GetProperty("incarnation").GetInt32(), ended.GetProperty("step").GetInt64(), ended.GetProperty("program").GetString()));
        var begun = await seq.UntilAsync(line => Says(line, "Trainer daemon {Pid} on {Folder}"), Patience);
        Assert.All(new[] { "run", "incarnation", "step" }, name => Assert.Equal(JsonValueKind.Null, begun.GetProperty(name).ValueKind));

        await fixture.UntilAsync<RunStateChanged>(record => record is { State: RunState.Running, Id.Incarnation: 2 }, "worker");
        seq.Refuses = true;
        Assert.Equal(ExitCodes.Done, LocalSocket.Call(fixture.Trainer, new SocketRequest("Hold", null))!.ExitCode);
        await SupervisorFixture.WaitForAsync(() => seq.Refused > 0, "a refusal");
        var alert = await fixture.UntilAsync<Alert>(record => record.Code == "log_sink_failed");
        Assert.Contains("ServiceUnavailable", alert.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(seq.Events, line => Says(line, "{Verb} by {User}: {Code}, {Text}"));

        seq.Refuses = false;
        var held = await seq.UntilAsync(line => Says(line, "{Verb} by {User}: {Code}, {Text}"), Patience);
        Assert.Equal((fixture.Run.RunId, 2), (held.GetProperty("run").GetString(), held.GetProperty("incarnation").GetInt32()));
        Assert.All(seq.Events, line => Assert.True(line.TryGetProperty("run", out _) && line.TryGetProperty("incarnation", out _) && line.TryGetProperty("step", out _), line.ToString()));

        daemon.Signal(NativeSpawn.SigTerm);
        await daemon.Ended.WaitAsync(Patience);
        var text = await File.ReadAllTextAsync(Directory.GetFiles(fixture.Trainer.Logs, "trainer-*.log").Single());
        Assert.Contains("Trainer daemon " + daemon.ProcessId + " on " + fixture.Trainer.Data + " [no run]", text, StringComparison.Ordinal);
        Assert.Contains($"[run {fixture.Run.RunId} incarnation 1 step 5]", text, StringComparison.Ordinal);
    }

    static WorkerProcess Serve(SupervisorFixture fixture, string seq)
    {
        var environment = new Dictionary<string, string>(WorkerEnvironment.Create())
        {
            ["MCN_WORKER_COMMAND"] = string.Join(' ', SupervisorFixture.DummyCommand), ["MCN_SEQ_URL"] = seq,
        };
        return WorkerProcess.Start(["dotnet", Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), "serve", "--data", fixture.Data], environment, (_, _) => { });
    }

    static bool Says(JsonElement line, string template) => line.GetProperty("@mt").GetString() == template;
}
