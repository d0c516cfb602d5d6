using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>The drills of the command protocol on the trainer's side, with real processes: each command ends exactly once, as it was.</summary>
public sealed class CommandDrillTests
{
    [Fact]
    public async Task A_double_click_is_one_command_with_one_answer_also_from_the_next_daemon()
    {
        await using var fixture = await RunningAsync("slow");
        var command = Command("hold-1", CommandVerb.Hold, 1);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => fixture.Service.Desk.ExecuteAsync(command)));
        Assert.All(answers, answer => Assert.Equal(answers[0], answer));
        Assert.True(answers[0].Accepted, answers[0].Text);
        await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "hold-1");
        await fixture.RestartAsync();
        await fixture.UntilStateAsync(RunState.Running, "worker");
        Assert.Equal(answers[0], await fixture.Service.Desk.ExecuteAsync(command));
        Assert.Single(fixture.Journal("supervisor").OfType<CommandHandled>(), handled => handled.Command.CommandId == "hold-1");
        Assert.Single(fixture.Journal("supervisor").OfType<CommandEnded>(), ended => ended.CommandId == "hold-1");
    }

    [Fact]
    public async Task Of_two_opposite_orders_the_newer_generation_counts_in_whatever_order_they_arrive()
    {
        await using var fixture = await RunningAsync("slow");
        var desk = fixture.Service.Desk;

        // In order: both are taken, the older one is superseded or was done before the newer came.
        Assert.True((await desk.ExecuteAsync(Command("hold-1", CommandVerb.Hold, 1))).Accepted);
        Assert.True((await desk.ExecuteAsync(Command("resume-2", CommandVerb.Resume, 2))).Accepted);
        var first = await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "hold-1");
        Assert.Contains(first.Code, new[] { CommandEnded.Superseded, CommandEnded.Done });
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "resume-2")).Code);

        // The other way round: the one that comes late is refused, and does nothing.
        Assert.True((await desk.ExecuteAsync(Command("hold-4", CommandVerb.Hold, 4))).Accepted);
        var late = await desk.ExecuteAsync(Command("resume-3", CommandVerb.Resume, 3));
        Assert.Equal((false, "superseded"), (late.Accepted, late.Code));
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "hold-4")).Code);
        Assert.True(await IsMeantToAsync(fixture, RunTarget.Held, generation: 4));

        // The next daemon knows what was seen.
        await fixture.RestartAsync();
        await WaitForStateAsync(fixture, RunState.Held);
        Assert.Equal("superseded", (await fixture.Service.Desk.ExecuteAsync(Command("resume-2b", CommandVerb.Resume, 2))).Code);
    }

    [Fact]
    public async Task A_clock_that_is_wrong_by_minutes_expires_nothing_and_what_came_too_late_is_refused()
    {
        await using var fixture = await RunningAsync("slow");
        var desk = fixture.Service.Desk;
        var now = TimeProvider.System.GetUtcNow();
        foreach (var minutes in new[] { -5, 5 })
        {
            var command = Command($"checkpoint{minutes}", CommandVerb.CheckpointNow, 0) with { IssuedAt = now.AddMinutes(minutes), ValidFor = TimeSpan.FromSeconds(30) };
            Assert.True((await desk.ExecuteAsync(command)).Accepted);
        }

        Assert.Equal("expired", (await desk.ExecuteAsync(Command("late", CommandVerb.Hold, 1) with { ValidFor = TimeSpan.Zero })).Code);
        Assert.DoesNotContain(fixture.Journal("worker").OfType<RunStateChanged>(), told => told.State == RunState.Held);
    }

    [Fact]
    public async Task Save_and_release_ends_the_worker_proves_it_and_resume_starts_a_new_one()
    {
        await using var fixture = await RunningAsync("slow", "clean");
        var desk = fixture.Service.Desk;
        var worker = RecorderReader.Read(fixture.Run.Recorder)!.ProcessId;
        Assert.True((await desk.ExecuteAsync(Command("release-1", CommandVerb.Release, 1))).Accepted);
        var released = await fixture.UntilStateAsync(RunState.Released);
        Assert.Equal(("release-1", "released_host"), (released.CommandId, released.Reason!.Code)); // no GPU here: what is not known is not claimed
        Assert.False(Directory.Exists($"/proc/{worker}"));
        var exit = fixture.Journal("supervisor").OfType<WorkerExited>().Single();
        Assert.Equal((ExitCodes.SavedAndReleased, null), (exit.ExitCode, exit.Crash));
        var told = fixture.Journal("worker").OfType<RunStateChanged>().Where(state => state.CommandId == "release-1").Select(state => state.State);
        Assert.Equal([RunState.Saving, RunState.Releasing], told);
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "release-1")).Code);

        // A daemon that comes back leaves it alone.
        await fixture.RestartAsync();
        await SupervisorFixture.WaitForAsync(() => File.Exists(fixture.Trainer.Socket), "the socket");
        Assert.Contains("RELEASED", LocalSocket.Call(fixture.Trainer, new SocketRequest("status", null))!.Text, StringComparison.Ordinal);
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("resume-2", CommandVerb.Resume, 2))).Accepted);
        await fixture.UntilStateAsync(RunState.Finished);
        Assert.Equal(2, RunCatalog.Read(fixture.Run).Incarnation);
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "resume-2")).Code);
    }

    [Fact]
    public async Task A_released_run_gives_way_to_another_and_is_resumed_by_its_name_once_the_trainer_is_free()
    {
        await using var fixture = await RunningAsync("slow", "clean");
        var desk = fixture.Service.Desk;
        var other = new RunFolder(Path.Combine(RunFolder.RunsOf(fixture.Data), "20260102-000000-abcdef"));
        Directory.CreateDirectory(other.Path);
        await File.WriteAllTextAsync(other.Config, "{ \"name\": \"other\" }");
        await File.WriteAllLinesAsync(Path.Combine(other.Path, "scenario"), ["slow"]);
        RunCatalog.Write(other, RunCatalog.Read(fixture.Run) with { RunId = other.RunId, Name = "other", Incarnation = 0 });
        RunCommand Resume(string id, string run, long generation) => Command(id, CommandVerb.Resume, generation) with { RunId = run };

        Assert.Equal("busy", (await desk.ExecuteAsync(Resume("1", other.RunId, 1))).Code);
        await desk.ExecuteAsync(Command("2", CommandVerb.Release, 1));
        await fixture.UntilStateAsync(RunState.Released);
        Assert.Equal("unknown_run", (await desk.ExecuteAsync(Resume("3", "../trainer", 1))).Code);
        Assert.True((await desk.ExecuteAsync(Resume("4", other.RunId, 1))).Accepted);
        await SupervisorFixture.WaitForAsync(() => LocalSocket.Call(fixture.Trainer, new SocketRequest("status", null))!.Text.Contains("(other): RUNNING", StringComparison.Ordinal), "the other run");
        await desk.ExecuteAsync(Command("5", CommandVerb.Stop, 2));
        await WaitForStateAsync(fixture, RunState.Stopped);
        Assert.True((await desk.ExecuteAsync(Resume("6", fixture.Run.RunId, 2))).Accepted);
        await fixture.UntilStateAsync(RunState.Finished);
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "6")).Code);
    }

    [Fact]
    public async Task A_run_that_cannot_be_saved_is_not_released()
    {
        await using var fixture = await RunningAsync("cannot-save");
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("release-1", CommandVerb.Release, 1))).Accepted);
        Assert.Equal("save_failed", (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "release-1")).Code);
        Assert.True(await IsMeantToAsync(fixture, RunTarget.Running, generation: 1));
        Assert.Empty(fixture.Journal("supervisor").OfType<WorkerExited>());
    }

    [Fact]
    public async Task A_worker_that_has_saved_and_does_not_leave_is_made_to_and_the_run_is_released_all_the_same()
    {
        await using var fixture = new SupervisorFixture("stays") { ReleaseGrace = TimeSpan.FromMilliseconds(50), TermGrace = TimeSpan.FromMilliseconds(50) };
        await UntilRunningAsync(fixture);
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("release-1", CommandVerb.Release, 1))).Accepted);
        Assert.Equal("release-1", (await fixture.UntilStateAsync(RunState.Released)).CommandId);
        Assert.Equal(NativeSpawn.SigKill, fixture.Journal("supervisor").OfType<WorkerExited>().Single().Signal);
    }

    [Fact]
    public async Task A_worker_killed_while_held_is_held_again_by_the_same_command()
    {
        await using var fixture = await RunningAsync("slow");
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("hold-1", CommandVerb.Hold, 1))).Accepted);
        await fixture.UntilStateAsync(RunState.Held, "worker");
        NativeSpawn.Signal(RecorderReader.Read(fixture.Run.Recorder)!.ProcessId, NativeSpawn.SigKill);
        var again = await fixture.UntilAsync<RunStateChanged>(told => told.State == RunState.Held && told.Id!.Incarnation == 2, "worker");
        Assert.Equal("hold-1", again.CommandId);
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "hold-1")).Code);
    }

    [Fact]
    public async Task A_lane_that_hangs_under_a_hold_is_ended_and_the_next_worker_is_held()
    {
        await using var fixture = new SupervisorFixture("hang", "slow") { HangLimits = new HangLimits(TimeSpan.FromSeconds(3), 1, TimeSpan.FromSeconds(20)) }; // time for the orders before it is ended
        fixture.Start();
        await fixture.UntilAsync<StepMetrics>(step => step.Step == 5, "worker"); // the next one is never done
        await WaitForStateAsync(fixture, RunState.Running);
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("checkpoint-1", CommandVerb.CheckpointNow, 0))).Accepted);
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("hold-1", CommandVerb.Hold, 1))).Accepted);
        await fixture.UntilAsync<Alert>(alert => alert.Code == "hang");
        Assert.Equal("worker_died", (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "checkpoint-1")).Code);
        await fixture.UntilAsync<RunStateChanged>(told => told.State == RunState.Held && told.Id!.Incarnation == 2 && told.CommandId == "hold-1", "worker");
        var commands = (await fixture.ReportAsync())["commands.jsonl"].Split('\n');
        Assert.Contains(commands, line => line.Contains("\"kind\":\"command\"", StringComparison.Ordinal) && line.Contains("checkpoint-1", StringComparison.Ordinal) && line.Contains("\"issued_by\":\"test\"", StringComparison.Ordinal));
        Assert.Contains(commands, line => line.Contains("\"kind\":\"command_ended\"", StringComparison.Ordinal) && line.Contains("worker_died", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_knob_is_turned_within_what_the_trainer_declares_and_not_over_somebody_elses_head()
    {
        await using var fixture = await RunningAsync("slow");
        var desk = fixture.Service.Desk;
        RunCommand Set(string id, string argument) => Command(id, CommandVerb.Set, 0) with { Argument = argument };
        Assert.Equal("bad_argument", (await desk.ExecuteAsync(Set("1", """{"name":"learning_rate_scale","value":11}"""))).Code);
        Assert.Equal("bad_argument", (await desk.ExecuteAsync(Set("2", """{"name":"lr","value":1}"""))).Code);
        Assert.Equal("bad_argument", (await desk.ExecuteAsync(Set("3", "{"))).Code);
        Assert.True((await desk.ExecuteAsync(Set("4", """{"name":"learning_rate_scale","value":0.5,"expected":1}"""))).Accepted);
        Assert.Equal(CommandEnded.Done, (await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "4")).Code);
        Assert.Equal("changed_meanwhile", (await desk.ExecuteAsync(Set("5", """{"name":"learning_rate_scale","value":2,"expected":1}"""))).Code);
    }

    [Fact]
    public async Task What_has_ended_has_ended_for_the_next_daemon_too()
    {
        await using var fixture = await RunningAsync("slow");
        Assert.True((await fixture.Service.Desk.ExecuteAsync(Command("1", CommandVerb.Set, 0) with { Argument = """{"name":"learning_rate_scale","value":0.5}""" })).Accepted);
        await fixture.UntilAsync<CommandEnded>(ended => ended.CommandId == "1");
        await fixture.RestartAsync();
        await WaitForStateAsync(fixture, RunState.Running);
        await fixture.StopAsync(); // a worker leaves, as it would with everything that is open
        Assert.Equal(CommandEnded.Done, Assert.Single(fixture.Journal("supervisor").OfType<CommandEnded>()).Code);
    }

    static Task<SupervisorFixture> RunningAsync(params string[] scenario) => UntilRunningAsync(new SupervisorFixture(scenario));

    static async Task<SupervisorFixture> UntilRunningAsync(SupervisorFixture fixture)
    {
        fixture.Start();
        await WaitForStateAsync(fixture, RunState.Running);
        return fixture;
    }

    static Task WaitForStateAsync(SupervisorFixture fixture, RunState state) =>
        SupervisorFixture.WaitForAsync(() => LocalSocket.Call(fixture.Trainer, new SocketRequest("status", null))?.Text.Contains(state.ToString().ToUpperInvariant(), StringComparison.Ordinal) == true, $"{state}");

    static async Task<bool> IsMeantToAsync(SupervisorFixture fixture, RunTarget target, long generation)
    {
        var expected = $"\"target\":\"{target}\"";
        await SupervisorFixture.WaitForAsync(() => File.ReadAllText(fixture.Trainer.Desired) is var text && text.Contains(expected, StringComparison.Ordinal), expected);
        return (await File.ReadAllTextAsync(fixture.Trainer.Desired)).Contains($"\"generation\":{generation}", StringComparison.Ordinal);
    }

    static RunCommand Command(string id, CommandVerb verb, long generation) =>
        new(id, null, verb, null, "test", TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1), generation);
}
