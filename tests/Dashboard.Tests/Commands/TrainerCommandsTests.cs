using System.Security.Claims;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Mcn.Web.Dashboard.Tests.Commands;

public sealed class TrainerCommandsTests
{
    [Fact]
    public async Task A_command_is_done_when_the_run_says_so_and_not_before()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        var commands = dashboard.Get<TrainerCommands>();
        var pending = await commands.HoldAsync(await PersonAsync(dashboard, Policies.Operator), "run-1");
        Assert.Equal(CommandProgress.Accepted, pending.Progress);
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, Records.State(RunState.Held, "of somebody else")));
        Assert.True(commands.Newest("run-1")!.IsOpen);
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 2, Records.State(RunState.Held, pending.Command.CommandId, 1)));
        Assert.Equal(CommandProgress.Done, commands.Newest("run-1")!.Progress);
        await Records.UntilAsync(() => dashboard.Get<AuditLog>().Newest(1)[0].Result == nameof(CommandProgress.Done));
    }

    [Fact]
    public async Task What_came_over_the_socket_is_listed_beside_what_was_given_here_and_nothing_twice()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        var given = (await dashboard.Get<TrainerCommands>().HoldAsync(await PersonAsync(dashboard, Policies.Operator), "run-1")).Command;
        var local = new RunCommand("socket-1", null, CommandVerb.Stop, null, RunCommand.Local, Records.Begin, TimeSpan.FromMinutes(1));
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1,
            new CommandHandled { Time = Records.Begin, Command = given, Answer = new CommandAnswer(given.CommandId, true, "accepted", "", "run-1") },
            new CommandHandled { Time = Records.Begin, Command = local, Answer = new CommandAnswer("socket-1", false, "wrong_state", "the run is Stopped", "run-1") }));
        var rows = dashboard.Get<AuditLog>().Newest(10);
        Assert.Equal([(given.CommandId, Policies.Operator), ("socket-1", RunCommand.Local)], rows.Select(row => (row.Id, row.Who)));
        Assert.Equal(("Stop", "run-1", "Refused", "the run is Stopped"), (rows[1].Verb, rows[1].Run, rows[1].Result, rows[1].Text));
    }

    [Fact]
    public async Task A_refusal_comes_with_its_reason()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer(command.CommandId, false, "wrong_state", "the run is Held", "run-1")));
        var pending = await dashboard.Get<TrainerCommands>().ResumeAsync(await PersonAsync(dashboard, Policies.Operator), "run-1");
        Assert.Equal((CommandProgress.Refused, "wrong_state", "the run is Held"), (pending.Progress, pending.Code, pending.Text));
    }

    [Fact]
    public async Task No_answer_by_the_deadline_says_so_and_a_late_one_still_counts()
    {
        var clock = new WaitingClock();
        await using var dashboard = await RunningDashboard.StartAsync(services => services.AddSingleton<TimeProvider>(clock));
        var answer = new TaskCompletionSource<CommandAnswer>();
        var asked = new TaskCompletionSource<RunCommand>();
        await dashboard.TrainerAsync(desk: command =>
        {
            asked.SetResult(command);
            return answer.Task;
        });
        var commands = dashboard.Get<TrainerCommands>();
        var giving = commands.HoldAsync(await PersonAsync(dashboard, Policies.Operator), "run-1");
        var command = await asked.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(CommandProgress.Sent, commands.Newest("run-1")!.Progress);
        // The trainer may have the command before the dashboard has begun to wait for its answer.
        await clock.Waits.WaitAsync(TimeSpan.FromSeconds(20));
        clock.Advance(TrainerCommands.AnswerWithin + TimeSpan.FromSeconds(1));
        var pending = await giving.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(CommandProgress.NoAnswer, pending.Progress);
        Assert.True(pending.IsOpen);
        answer.SetResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        await Records.UntilAsync(() => commands.Newest("run-1")!.Progress == CommandProgress.Accepted);
    }

    [Fact]
    public async Task Without_a_trainer_it_is_not_delivered_and_a_viewer_is_denied_and_written_down()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        await trainer.StopAsync();
        var presence = dashboard.Get<Dashboard.Telemetry.TrainerPresence>();
        await Records.UntilAsync(() => presence.Find("trainer-1")!.Connection is null);
        var commands = dashboard.Get<TrainerCommands>();
        Assert.Equal(CommandProgress.Undelivered, (await commands.HoldAsync(await PersonAsync(dashboard, Policies.Operator), "run-1")).Progress);
        var viewer = await PersonAsync(dashboard, Policies.Viewer);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => commands.HoldAsync(viewer, "run-1"));
        Assert.Contains(dashboard.Get<AuditLog>().Newest(10), row => row.Result == AuditLog.Denied && row.Who == Policies.Viewer);
    }

    [Fact]
    public async Task A_person_who_was_demoted_while_a_page_is_open_is_denied()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync();
        await PersonAsync(dashboard, Policies.Admin);
        var person = await PersonAsync(dashboard, Policies.Operator);
        await dashboard.Get<AccountStore>().ChangeAsync(Policies.Operator, Policies.Viewer, null);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => dashboard.Get<TrainerCommands>().HoldAsync(person, "run-1"));
    }

    static async Task<ClaimsPrincipal> PersonAsync(RunningDashboard dashboard, string role)
    {
        var accounts = dashboard.Get<AccountStore>();
        if (role != Policies.Admin && !accounts.HasAdmin()) await accounts.AddAsync("root", "correct horse", Policies.Admin);
        await accounts.AddAsync(role, "correct horse", role);
        return accounts.Principal(accounts.Verify(role, "correct horse")!);
    }

    /// <summary>Tells when somebody waits for a trainer's answer.</summary>
    sealed class WaitingClock() : FakeTimeProvider(Records.Begin)
    {
        readonly TaskCompletionSource waits = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Waits => waits.Task;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == TrainerCommands.AnswerWithin) waits.TrySetResult();
            return timer;
        }
    }
}
