using System.Security.Claims;
using System.Threading.Channels;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
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
        var pending = await commands.GiveAsync(await PersonAsync(dashboard, Policies.Operator), CommandVerb.Hold, "run-1");
        Assert.Equal(CommandProgress.Accepted, pending.Progress);
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, Records.Ended("of somebody else", CommandVerb.Hold)));
        Assert.True(commands.Newest("run-1")!.IsOpen);
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 2, Records.Ended(pending.Command.CommandId, CommandVerb.Hold)));
        Assert.Equal(CommandProgress.Done, commands.Newest("run-1")!.Progress);
        await Records.UntilAsync(() => dashboard.Get<AuditLog>().Newest(1)[0].Result == nameof(CommandProgress.Done));
    }

    [Fact]
    public async Task What_came_over_the_socket_is_listed_beside_what_was_given_here_and_nothing_twice()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        var given = (await dashboard.Get<TrainerCommands>().GiveAsync(await PersonAsync(dashboard, Policies.Operator), CommandVerb.Hold, "run-1", "192.0.2.7")).Command;
        var local = new RunCommand("socket-1", null, CommandVerb.Stop, null, RunCommand.Local, Records.Begin, TimeSpan.FromMinutes(1));
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1,
            new CommandHandled { Time = Records.Begin, Command = given, Answer = new CommandAnswer(given.CommandId, true, "accepted", "", "run-1") },
            new CommandHandled { Time = Records.Begin, Command = local, Answer = new CommandAnswer("socket-1", false, "wrong_state", "the run is Stopped", "run-1") }));
        var rows = dashboard.Get<AuditLog>().Newest(10);
        Assert.Equal([(given.CommandId, Policies.Operator), ("socket-1", RunCommand.Local)], rows.Select(row => (row.Id, row.Who)));
        Assert.Equal(("Stop", "run-1", "Refused", "the run is Stopped"), (rows[1].Verb, rows[1].Run, rows[1].Result, rows[1].Text));
    }

    [Fact]
    public async Task Of_what_came_over_the_socket_the_first_end_counts()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        var local = new RunCommand("socket-1", null, CommandVerb.CheckpointNow, null, RunCommand.Local, Records.Begin, TimeSpan.FromMinutes(1));
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1,
            new CommandHandled { Time = Records.Begin, Command = local, Answer = new CommandAnswer("socket-1", true, "accepted", "", "run-1") },
            Records.Ended("socket-1", CommandVerb.CheckpointNow), Records.Ended("socket-1", CommandVerb.CheckpointNow, "worker_left") with { Time = Records.Begin + TimeSpan.FromMinutes(29) }));
        Assert.Equal(nameof(CommandProgress.Done), Assert.Single(dashboard.Get<AuditLog>().Newest(10)).Result);
    }

    [Fact]
    public async Task A_refusal_comes_with_its_reason()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer(command.CommandId, false, "wrong_state", "the run is Held", "run-1")));
        var pending = await dashboard.Get<TrainerCommands>().GiveAsync(await PersonAsync(dashboard, Policies.Operator), CommandVerb.Resume, "run-1");
        Assert.Equal((CommandProgress.Refused, "wrong_state", "the run is Held"), (pending.Progress, pending.Code, pending.Text));
    }

    /// <summary>Each arrival of a trainer wakes the loop that delivers what waits: it was first now and then, and the person got "waiting".</summary>
    [Fact]
    public async Task A_command_comes_back_answered_also_when_the_loop_delivers_it()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer(command.CommandId, false, "wrong_state", "the run is Held", "run-1")));
        var person = await PersonAsync(dashboard, Policies.Operator);
        var arrival = dashboard.Connection();
        await arrival.StartAsync();
        for (var i = 0; i < 100; i++)
        {
            var waking = arrival.InvokeAsync<Welcome>(nameof(ITrainerHub.Hello), new Hello(ProtocolVersion.Wire, "trainer-2", "box", "test"));
            Assert.Equal(CommandProgress.Refused, (await dashboard.Get<TrainerCommands>().GiveAsync(person, CommandVerb.Resume, "run-1")).Progress);
            Assert.True((await waking).Accepted);
        }
    }

    [Fact]
    public async Task No_answer_is_asked_for_again_with_the_same_id_then_said_and_a_late_one_still_counts()
    {
        var clock = new WaitingClock();
        await using var dashboard = await RunningDashboard.StartAsync(services => services.AddSingleton<TimeProvider>(clock));
        var answer = new TaskCompletionSource<CommandAnswer>();
        var asked = new List<RunCommand>();
        await dashboard.TrainerAsync(desk: command =>
        {
            lock (asked) asked.Add(command);
            return answer.Task;
        });
        var commands = dashboard.Get<TrainerCommands>();
        var giving = commands.GiveAsync(await PersonAsync(dashboard, Policies.Operator), CommandVerb.Hold, "run-1");
        for (var attempt = 1; attempt <= TrainerCommands.Attempts; attempt++)
        {
            await clock.WaitsAsync(attempt);
            Assert.Equal(CommandProgress.Sent, commands.Newest("run-1")!.Progress);
            clock.Advance(TrainerCommands.AnswerWithin + TimeSpan.FromSeconds(1));
        }

        var pending = await giving.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((CommandProgress.NoAnswer, true), (pending.Progress, pending.IsOpen));
        answer.SetResult(new CommandAnswer(pending.Command.CommandId, true, "accepted", "", "run-1"));
        await Records.UntilAsync(() => commands.Newest("run-1")!.Progress == CommandProgress.Accepted);
        Assert.Equal(TrainerCommands.Attempts, asked.Count);
        Assert.Single(asked.Select(command => command.CommandId).Distinct());
        Assert.Equal(asked.OrderByDescending(command => command.ValidFor), asked); // what is left of it shrinks by this clock
    }

    [Fact]
    public async Task A_command_without_a_trainer_waits_and_is_delivered_when_it_comes_or_expires()
    {
        var clock = new FakeTimeProvider(Records.Begin);
        await using var dashboard = await RunningDashboard.StartAsync(services => services.AddSingleton<TimeProvider>(clock));
        await GoneAsync(dashboard);
        var commands = dashboard.Get<TrainerCommands>();
        var person = await PersonAsync(dashboard, Policies.Operator);
        var old = await commands.GiveAsync(person, CommandVerb.CheckpointNow, "run-1");
        Assert.Equal(CommandProgress.Waiting, old.Progress);
        clock.Advance(TrainerCommands.Valid + TimeSpan.FromSeconds(1));
        Assert.Equal(CommandProgress.Expired, commands.Newest("run-1")!.Progress);

        Assert.Equal(CommandProgress.Waiting, (await commands.GiveAsync(person, CommandVerb.Hold, "run-1")).Progress);
        var withdrawn = await commands.GiveAsync(person, CommandVerb.EvaluateNow, "run-1");
        await commands.WithdrawAsync(person, withdrawn.Command.CommandId);
        clock.Advance(TimeSpan.FromMinutes(4));
        var heard = new List<RunCommand>();
        await dashboard.TrainerAsync(desk: command =>
        {
            lock (heard) heard.Add(command);
            return Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        });
        await Records.UntilAsync(() => commands.Open("run-1") is [{ Progress: CommandProgress.Accepted }]);
        var delivered = Assert.Single(heard);
        Assert.Equal((CommandVerb.Hold, TimeSpan.FromMinutes(6)), (delivered.Verb, delivered.ValidFor));
        // What is said of a command is on the disk a moment later.
        var trail = dashboard.Get<AuditLog>();
        await Records.UntilAsync(() => trail.Newest(10).Select(row => row.Result).SequenceEqual(["Withdrawn", "Accepted", "Expired"]));
    }

    [Fact]
    public async Task A_dashboard_that_restarts_between_delivery_and_answer_asks_again_with_the_same_id()
    {
        using var folder = new TempFolder();
        string id;
        await using (var first = await RunningDashboard.StartAsync(folder: folder))
        {
            var asked = new TaskCompletionSource<RunCommand>();
            await first.TrainerAsync(desk: command =>
            {
                asked.TrySetResult(command);
                return new TaskCompletionSource<CommandAnswer>().Task; // its answer is lost with the dashboard
            });
            _ = first.Get<TrainerCommands>().GiveAsync(await PersonAsync(first, Policies.Operator), CommandVerb.Release, "run-1");
            id = (await asked.Task.WaitAsync(TimeSpan.FromSeconds(20))).CommandId;
        }

        await using var second = await RunningDashboard.StartAsync(folder: folder);
        var again = new TaskCompletionSource<RunCommand>();
        var trainer = await second.TrainerAsync(desk: command =>
        {
            again.TrySetResult(command);
            return Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        });
        var repeated = await again.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((id, 1, CommandVerb.Release), (repeated.CommandId, repeated.Generation, repeated.Verb));
        var commands = second.Get<TrainerCommands>();
        await Records.UntilAsync(() => commands.Newest("run-1")?.Progress == CommandProgress.Accepted);
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, Records.Ended(id, CommandVerb.Release)));
        await Records.UntilAsync(() => second.Get<AuditLog>().Newest(1)[0].Result == nameof(CommandProgress.Done));
    }

    [Fact]
    public async Task Two_people_with_opposite_orders_make_two_generations_and_the_newer_one_is_the_wish()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var heard = new List<RunCommand>();
        var trainer = await dashboard.TrainerAsync(desk: command =>
        {
            lock (heard) heard.Add(command);
            return Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", "run-1"));
        });
        await trainer.InvokeAsync(nameof(ITrainerHub.Beat), new Heartbeat("run-1", RunState.Running, 1, 0, Records.Begin, 1, RunTarget.Running, Generation: 7));
        var commands = dashboard.Get<TrainerCommands>();
        var (ann, bob) = (await PersonAsync(dashboard, Policies.Operator), await PersonAsync(dashboard, Policies.Admin, "bob"));
        var given = await Task.WhenAll(commands.GiveAsync(ann, CommandVerb.Hold, "run-1"), commands.GiveAsync(ann, CommandVerb.Hold, "run-1"), commands.GiveAsync(bob, CommandVerb.Resume, "run-1"));
        Assert.Equal(given[0].Command.CommandId, given[1].Command.CommandId); // a double click
        Assert.Equal([8L, 9L], heard.Select(command => command.Generation).Order());
        var newest = heard.MaxBy(command => command.Generation)!;
        var desired = commands.Desired("run-1")!;
        Assert.Equal((9L, newest.Verb.Wish()!.Value, newest.CommandId, newest.IssuedBy), (desired.Generation, desired.Target, desired.CommandId, desired.SetBy));
    }

    [Fact]
    public async Task Nobody_without_the_role_commands_and_the_attempt_is_written_down()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync();
        var viewer = await PersonAsync(dashboard, Policies.Viewer);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => dashboard.Get<TrainerCommands>().GiveAsync(viewer, CommandVerb.Hold, "run-1"));
        Assert.Contains(dashboard.Get<AuditLog>().Newest(10), row => row.Result == AuditLog.Denied && row.Who == Policies.Viewer);
    }

    [Fact]
    public async Task The_audit_trail_cannot_be_changed_by_statements_and_a_change_behind_its_back_is_found()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync();
        await dashboard.Get<TrainerCommands>().GiveAsync(await PersonAsync(dashboard, Policies.Operator), CommandVerb.Hold, "run-1", "192.0.2.7");
        var (audit, database) = (dashboard.Get<AuditLog>(), dashboard.Get<Database>());
        Assert.Null(audit.FirstForged());
        Assert.Equal("192.0.2.7", audit.Newest(1)[0].Place);
        foreach (var sql in new[] { "UPDATE audit_trail SET who = 'nobody'", "DELETE FROM audit_trail" })
            await Assert.ThrowsAsync<Microsoft.Data.Sqlite.SqliteException>(() => database.WriteAsync(connection => { Execute(connection, sql); }));
        await database.WriteAsync(connection => { Execute(connection, "DROP TRIGGER audit_trail_is_not_changed; UPDATE audit_trail SET who = 'nobody' WHERE number = 2"); });
        Assert.Equal(2, audit.FirstForged());
    }

    [Fact]
    public async Task The_trail_as_a_file_keeps_every_cell_one_cell_and_no_formula()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer(command.CommandId, false, "wrong_state", "=SUM(1), \"held\"", "run-1")));
        using var browser = await dashboard.SignedInAsync(Policies.Operator);
        var person = dashboard.Get<AccountStore>().Principal(dashboard.Get<AccountStore>().Verify(Policies.Operator, "correct horse")!);
        await dashboard.Get<TrainerCommands>().GiveAsync(person, CommandVerb.Hold, "run-1");
        var lines = (await browser.GetStringAsync(new Uri("/api/commands.csv", UriKind.Relative))).TrimStart('\uFEFF').Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("time,command_id,who,from,verb", lines[0], StringComparison.Ordinal);
        Assert.Contains(",operator,,Hold,,run-1,,Refused,wrong_state,\"'=SUM(1), \"\"held\"\"\",", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_who_was_demoted_while_a_page_is_open_is_denied()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.TrainerAsync();
        await PersonAsync(dashboard, Policies.Admin);
        var person = await PersonAsync(dashboard, Policies.Operator);
        await dashboard.Get<AccountStore>().ChangeAsync(Policies.Operator, Policies.Viewer, null);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => dashboard.Get<TrainerCommands>().GiveAsync(person, CommandVerb.Hold, "run-1"));
    }

    static void Execute(Microsoft.Data.Sqlite.SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // constants of these tests
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    /// <summary>A trainer that has introduced its run and left.</summary>
    static async Task GoneAsync(RunningDashboard dashboard)
    {
        var trainer = await dashboard.TrainerAsync();
        await trainer.StopAsync();
        var presence = dashboard.Get<TrainerPresence>();
        await Records.UntilAsync(() => presence.Find("trainer-1")!.Connection is null);
    }

    static async Task<ClaimsPrincipal> PersonAsync(RunningDashboard dashboard, string role, string? name = null)
    {
        var accounts = dashboard.Get<AccountStore>();
        if (role != Policies.Admin && !accounts.HasAdmin()) await accounts.AddAsync("root", "correct horse", Policies.Admin);
        await accounts.AddAsync(name ?? role, "correct horse", role);
        return accounts.Principal(accounts.Verify(name ?? role, "correct horse")!);
    }

    /// <summary>Tells when somebody waits for a trainer's answer.</summary>
    sealed class WaitingClock() : FakeTimeProvider(Records.Begin)
    {
        readonly Channel<int> begun = Channel.CreateUnbounded<int>();
        int seen;

        /// <summary>Until so many answers were waited for, in all.</summary>
        public async Task WaitsAsync(int times)
        {
            for (; seen < times; seen++) await begun.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == TrainerCommands.AnswerWithin) begun.Writer.TryWrite(0);
            return timer;
        }
    }
}
