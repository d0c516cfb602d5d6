using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.SignalR;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>
/// Sends commands to trainers and remembers what is open. A command never changes what a page shows of the run: that comes
/// back as records, and with them the command is done.
/// </summary>
public sealed class TrainerCommands(IHubContext<TrainerHub, ITrainerClient> hub, TrainerPresence presence, RunCatalog runs,
    AuditLog audit, AccountStore accounts, TimeProvider time, ILogger<TrainerCommands> log)
{
    /// <summary>The trainer's desk answers at once; later than this is "no answer".</summary>
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);

    /// <summary>After this the trainer lets it expire instead of carrying it out.</summary>
    public static readonly TimeSpan Valid = TimeSpan.FromMinutes(10);

    const int Kept = 200;

    readonly ConcurrentDictionary<string, PendingCommand> commands = new(StringComparer.Ordinal);

    public Viewers Viewers { get; } = new(time);

    /// <summary>The newest command of a run (or the newest Start when <paramref name="run"/> is null), with what the run has said since.</summary>
    public PendingCommand? Newest(string? run) => commands.Values
        .Where(pending => pending.Command.RunId == run || (run is null && pending.Command.Verb == CommandVerb.Start))
        .MaxBy(pending => pending.Command.IssuedAt) is { } newest ? Settle(newest) : null;

    public Task<PendingCommand> HoldAsync(ClaimsPrincipal person, string run) => GiveAsync(person, CommandVerb.Hold, run);

    public Task<PendingCommand> ResumeAsync(ClaimsPrincipal person, string run) => GiveAsync(person, CommandVerb.Resume, run);

    public Task<PendingCommand> CheckpointNowAsync(ClaimsPrincipal person, string run) => GiveAsync(person, CommandVerb.CheckpointNow, run);

    public Task<PendingCommand> StopAsync(ClaimsPrincipal person, string run, bool save) =>
        GiveAsync(person, save ? CommandVerb.Stop : CommandVerb.StopWithoutSaving, run);

    public Task<PendingCommand> StartAsync(ClaimsPrincipal person, string trainer, string configuration) =>
        GiveAsync(person, CommandVerb.Start, null, configuration, trainer);

    async Task<PendingCommand> GiveAsync(ClaimsPrincipal person, CommandVerb verb, string? run, string? argument = null, string? trainer = null)
    {
        var now = time.GetUtcNow();
        var id = $"{now.ToUnixTimeMilliseconds():x12}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
        var command = new RunCommand(id, run, verb, argument, person.Identity?.Name ?? "?", now, now + Valid);
        using var place = LogPlace.Enter(runs.Find(run ?? "")?.View);
        // A page may be older than the person's rights: asked here again, and of the store.
        if (!person.Allows(Policies.Operator) || !accounts.StillHolds(person))
        {
            log.LogWarning("{Who} may not {Verb}", command.IssuedBy, verb);
            await audit.AddAsync(command, AuditLog.Denied);
            throw new UnauthorizedAccessException("commands need the role operator");
        }

        var pending = new PendingCommand(command, CommandProgress.Sent, null, null, now + AnswerWithin);
        commands[id] = pending;
        Trim();
        await audit.AddAsync(command, pending.Progress.ToString());
        Viewers.Poke();
        var target = trainer is not null ? presence.Find(trainer) : run is not null && runs.Find(run) is { } projection ? presence.Of(projection.View) : null;
        if (target?.Connection is not { } connection)
            return await ChangeAsync(pending with { Progress = CommandProgress.Undelivered, Code = "not_connected", Text = "the trainer is not connected" });
        log.LogInformation("{Who} asks {Verb} ({Command})", command.IssuedBy, verb, id);
        return await SendAsync(pending, connection);
    }

    async Task<PendingCommand> SendAsync(PendingCommand pending, string connection)
    {
        // The answer may come after the deadline: then it still counts.
        var answering = hub.Clients.Client(connection).Execute(pending.Command);
        try
        {
            return await ChangeAsync(Answered(pending, await answering.WaitAsync(AnswerWithin, time)));
        }
        catch (TimeoutException)
        {
            _ = TakeLateAnswerAsync(pending, answering);
            return await ChangeAsync(pending with { Progress = CommandProgress.NoAnswer });
        }
        catch (Exception error) when (error is HubException or IOException or InvalidOperationException or OperationCanceledException)
        {
            return await ChangeAsync(pending with { Progress = CommandProgress.Undelivered, Text = error.Message });
        }
    }

    async Task TakeLateAnswerAsync(PendingCommand pending, Task<CommandAnswer> answering)
    {
        try
        {
            await ChangeAsync(Answered(pending, await answering));
        }
        catch (Exception error)
        {
            log.LogWarning(error, "Command {Command} was never answered", pending.Command.CommandId);
            await ChangeAsync(pending with { Progress = CommandProgress.Undelivered, Text = error.Message });
        }
    }

    static PendingCommand Answered(PendingCommand pending, CommandAnswer answer) => pending with
    {
        Progress = (answer.Accepted, pending.Command.Verb) switch
        {
            (false, _) => CommandProgress.Refused,
            // A new run tells the rest itself, under its own id.
            (true, CommandVerb.Start) => CommandProgress.Done,
            _ => CommandProgress.Accepted,
        },
        Code = answer.Code,
        Text = answer.Text,
    };

    async Task<PendingCommand> ChangeAsync(PendingCommand pending)
    {
        commands[pending.Command.CommandId] = pending;
        log.LogInformation("{Verb} ({Command}): {Progress} {Text}", pending.Command.Verb, pending.Command.CommandId, pending.Progress, pending.Text ?? "");
        await audit.UpdateAsync(pending);
        Viewers.Poke();
        return Settle(pending);
    }

    /// <summary>Looks whether the run has said that the command is done.</summary>
    PendingCommand Settle(PendingCommand pending)
    {
        if (!pending.IsOpen || runs.Find(pending.Command.RunId ?? "")?.View is not { } view || !IsDone(pending.Command, view)) return pending;
        var done = pending with { Progress = CommandProgress.Done };
        // Two viewers may find out at once; one row is written.
        if (commands.TryUpdate(pending.Command.CommandId, done, pending)) _ = audit.UpdateAsync(done);
        return done;
    }

    static bool IsDone(RunCommand command, RunView view)
    {
        var caused = view.Events.OfType<RunStateChanged>().Where(state => state.CommandId == command.CommandId).Select(state => state.State).ToList();
        return command.Verb switch
        {
            CommandVerb.Hold => caused.Contains(RunState.Held),
            CommandVerb.Resume => caused.Contains(RunState.Running),
            CommandVerb.Stop or CommandVerb.StopWithoutSaving => caused.Contains(RunState.Stopped),
            CommandVerb.CheckpointNow => view.Checkpoint is { } checkpoint && checkpoint.Time >= command.IssuedAt,
            _ => false,
        };
    }

    void Trim()
    {
        foreach (var (id, _) in commands.OrderBy(pair => pair.Value.Command.IssuedAt).Take(Math.Max(0, commands.Count - Kept))) commands.TryRemove(id, out _);
    }
}
