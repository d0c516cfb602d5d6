using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>Commands over the socket, one daemon a folder, and what a daemon's end means for the worker.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Hold_and_resume_make_the_round_over_the_socket()
    {
        await using var fixture = new SupervisorFixture("slow");
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Running, "worker");
        await SupervisorFixture.WaitForAsync(() => Call(fixture, "status").Text.Contains("RUNNING", StringComparison.Ordinal), "running");

        Assert.Equal(ExitCodes.Refused, Call(fixture, nameof(CommandVerb.Resume)).ExitCode); // it is not held
        Assert.Equal(ExitCodes.Done, Call(fixture, nameof(CommandVerb.Hold)).ExitCode);
        var held = await fixture.UntilStateAsync(RunState.Held, "worker");
        var handled = fixture.Journal("supervisor").OfType<CommandHandled>().Single(record => record.Command.Verb == CommandVerb.Hold);
        Assert.Equal(handled.Command.CommandId, held.CommandId);
        Assert.True(handled.Answer.Accepted);
        await SupervisorFixture.WaitForAsync(() => Call(fixture, "status").Text.Contains("HELD", StringComparison.Ordinal), "held");
        Assert.Equal(ExitCodes.Done, Call(fixture, nameof(CommandVerb.Resume)).ExitCode);
        Assert.Equal(ExitCodes.Done, Call(fixture, nameof(CommandVerb.Stop)).ExitCode);
        await fixture.UntilStateAsync(RunState.Stopped);

        Assert.Equal(ExitCodes.Usage, Call(fixture, "dance").ExitCode);
        if (OperatingSystem.IsLinux()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(fixture.Trainer.Socket));
        Assert.Equal(ExitCodes.Done, await fixture.StopAsync()); // stopped: nothing is to go on
        Assert.Null(LocalSocket.Call(fixture.Trainer, new SocketRequest("status", null)));
    }

    [Fact]
    public async Task A_stopped_run_goes_on_with_resume()
    {
        await using var fixture = new SupervisorFixture("slow", "clean");
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Running, "worker");
        Assert.Equal(ExitCodes.Done, Call(fixture, nameof(CommandVerb.Stop)).ExitCode);
        await fixture.UntilStateAsync(RunState.Stopped);
        Assert.Equal(ExitCodes.Done, Call(fixture, nameof(CommandVerb.Resume)).ExitCode);
        await fixture.UntilStateAsync(RunState.Finished);
        Assert.Equal(ExitCodes.Refused, Call(fixture, nameof(CommandVerb.Resume)).ExitCode); // finished
    }

    [Fact]
    public async Task The_same_command_id_gets_the_same_answer_also_from_the_next_daemon_and_old_ones_expire()
    {
        await using var fixture = new SupervisorFixture("slow");
        var command = Command("one", TimeSpan.FromMinutes(1));
        CommandAnswer first;
        using (var desk = Desk(fixture)) first = await desk.ExecuteAsync(command);
        using (var desk = Desk(fixture))
        {
            Assert.Equal(first, await desk.ExecuteAsync(command));
            Assert.Equal("unknown_run", first.Code);
            Assert.Equal("expired", (await desk.ExecuteAsync(Command("two", TimeSpan.FromMinutes(-1)))).Code);
        }
    }

    [Fact]
    public async Task A_bad_configuration_is_refused_with_every_mistake()
    {
        await using var fixture = new SupervisorFixture("clean");
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Finished);
        await SupervisorFixture.WaitForAsync(() => File.Exists(fixture.Trainer.Socket), "the socket");

        var answer = Call(fixture, nameof(CommandVerb.Start), """{ "data": { "batchsize": 8 }, "optimizer": { "lr": -1 } }""");

        Assert.Equal(ExitCodes.Usage, answer.ExitCode);
        Assert.Contains("batchsize", answer.Text, StringComparison.Ordinal);
        Assert.Contains("lr", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_daemon_a_folder_and_the_lock_goes_with_it()
    {
        await using var fixture = new SupervisorFixture("slow");
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Running, "worker");

        var refused = Assert.Throws<UserError>(() => new SupervisorService(fixture.Options(), null, TimeProvider.System));
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
        await SupervisorFixture.WaitForAsync(() => File.Exists(fixture.Trainer.Socket), "the socket");
        await SupervisorFixture.WaitForAsync(() => Call(fixture, "status").Text.Contains("RUNNING", StringComparison.Ordinal), "running"); // the daemon hears of it after the worker's journal
        Assert.Equal(ExitCodes.Usage, Call(fixture, nameof(CommandVerb.Set), """{"name":"learning_rate_scale","value":11}""").ExitCode); // what is asked is wrong, not when
        Assert.Equal(ExitCodes.SavedAndReleased, await fixture.StopAsync()); // the run is to go on
        var exit = Assert.Single(fixture.Journal("supervisor").OfType<WorkerExited>());
        Assert.Equal((ExitCodes.SavedAndReleased, null), (exit.ExitCode, exit.Crash));
    }

    [Fact]
    public async Task A_death_that_nobody_saw_is_reported_when_the_next_daemon_starts()
    {
        await using var fixture = new SupervisorFixture("sigkill", "clean");
        using (var child = WorkerProcess.Start([.. SupervisorFixture.DummyCommand, "work", "--run", fixture.Run.Path], WorkerEnvironment.Create(), (_, _) => { }))
            Assert.Equal(9, (await child.Ended).Signal);
        fixture.Start();

        var report = await fixture.ReportAsync();
        Assert.Contains("Nobody saw the end", report["README.md"], StringComparison.Ordinal);
        Assert.Contains("train.loss", report["steps/last_steps.jsonl"], StringComparison.Ordinal);
        await fixture.UntilStateAsync(RunState.Finished);
        var forgotten = fixture.Journal("supervisor").OfType<WorkerExited>().First();
        Assert.Equal((null, null, 1, 5L), (forgotten.ExitCode, forgotten.Signal, forgotten.WorkerIncarnation, forgotten.Crash!.Step!.Value));
    }

    static CommandDesk Desk(SupervisorFixture fixture)
    {
        var log = new Serilog.LoggerConfiguration().CreateLogger();
        var (time, options) = (TimeProvider.System, fixture.Options());
        var ledger = new Ledger(fixture.Trainer, time);
        var machine = new MachineWatch(null, () => null, ledger, log, time);
        var keeper = new RunKeeper(fixture.Trainer, options, ledger, new CrashDesk(fixture.Trainer, machine, ledger, log, time), machine, new RunContext(), log, time);
        return new CommandDesk(keeper, new RunStarter(fixture.Trainer, options, keeper, log, time), new CheckpointDesk(fixture.Trainer, ledger), ledger, fixture.Trainer, log, time);
    }

    static RunCommand Command(string id, TimeSpan valid)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new RunCommand(id, null, CommandVerb.Hold, null, "test", now, valid);
    }

    static SocketAnswer Call(SupervisorFixture fixture, string verb, string? argument = null) =>
        LocalSocket.Call(fixture.Trainer, new SocketRequest(verb, argument)) ?? new SocketAnswer(-1, "no daemon answers");
}
