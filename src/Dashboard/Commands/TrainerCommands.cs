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
/// Brings commands to trainers and remembers what is open, also over a restart of this program. A command never changes what a page shows
/// of the run: that comes back as records, and with them the command ends. One loop delivers what could not be delivered at once.
/// </summary>
public sealed class TrainerCommands(IHubContext<TrainerHub, ITrainerClient> hub, TrainerPresence presence, RunCatalog runs,
    CommandStore store, AccountStore accounts, TimeProvider time, ILogger<TrainerCommands> log) : BackgroundService
{
    /// <summary>The trainer's desk answers at once; after this the same command is sent again: its id makes that harmless.</summary>
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    /// <summary>Deliveries on one connection before "no answer" is said.</summary>
    public const int Attempts = 3;

    /// <summary>After this it expires instead of being delivered or carried out.</summary>
    public static readonly TimeSpan Valid = TimeSpan.FromMinutes(10);

    static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    const int Kept = 200;

    readonly ConcurrentDictionary<string, PendingCommand> commands = new(StringComparer.Ordinal);

    /// <summary>The connection that a command was last tried on: what failed there is tried again on the next one only.</summary>
    readonly ConcurrentDictionary<string, string> triedOn = new(StringComparer.Ordinal);

    readonly ConcurrentDictionary<string, Lazy<Task>> delivering = new(StringComparer.Ordinal);
    readonly SemaphoreSlim giving = new(1);
    readonly SemaphoreSlim wake = new(0);
    long lastId;

    public Viewers Viewers { get; } = new(time);

    /// <summary>The newest command of a run (or the newest Start when <paramref name="run"/> is null), with what the run has said since.</summary>
    public PendingCommand? Newest(string? run) => commands.Values
        .Where(pending => pending.Command.RunId == run || (run is null && pending.Command.Verb == CommandVerb.Start))
        .MaxBy(pending => pending.Command.CommandId, StringComparer.Ordinal) is { } newest ? Settle(newest) : null;

    /// <summary>Of a run, not ended, oldest first.</summary>
    public IReadOnlyList<PendingCommand> Open(string run) =>
        [.. commands.Values.Where(pending => pending.Command.RunId == run).Select(Settle).Where(pending => pending.IsOpen).OrderBy(pending => pending.Command.CommandId, StringComparer.Ordinal)];

    public DesiredState? Desired(string run) => store.Desired(run);

    public Task<PendingCommand> StartAsync(ClaimsPrincipal person, string trainer, string configuration, string? from = null) =>
        GiveAsync(person, CommandVerb.Start, null, from, configuration, trainer);

    /// <summary>Gives a command; comes back when it is answered, or it is known that an answer takes longer.</summary>
    /// <param name="from">Network address of the person.</param>
    /// <exception cref="UnauthorizedAccessException">The person may not.</exception>
    public async Task<PendingCommand> GiveAsync(ClaimsPrincipal person, CommandVerb verb, string? run, string? from = null, string? argument = null, string? trainer = null)
    {
        PendingCommand pending;
        await giving.WaitAsync();
        try
        {
            var now = time.GetUtcNow();
            var command = new RunCommand(NewId(now), run, verb, argument, person.Identity?.Name ?? "?", now, Valid, IssuedFrom: from);
            pending = new PendingCommand(command, trainer, CommandProgress.Waiting, null, null, now + Valid, now);
            // A page may be older than the person's rights: asked here again, and of the store.
            if (!person.Allows(Policies.Operator) || !accounts.StillHolds(person))
            {
                log.LogWarning("{Who} may not {Verb}", command.IssuedBy, verb);
                await store.DenyAsync(pending);
                throw new UnauthorizedAccessException("commands need the role operator");
            }

            // A double click is one command.
            if (commands.Values.Where(open => IsSame(open.Command, command)).Select(Settle).FirstOrDefault(open => open is { IsOpen: true, Progress: not CommandProgress.NoAnswer }) is { } same) return same;
            pending = await store.AddAsync(pending, ObservedGeneration(run));
            commands[command.CommandId] = pending;
            Trim();
        }
        finally
        {
            giving.Release();
        }

        using var place = LogPlace.Enter(runs.Find(run ?? "")?.View);
        log.LogInformation("{Who} asks {Verb} ({Command}, generation {Generation})", pending.Command.IssuedBy, verb, pending.Command.CommandId, pending.Command.Generation);
        await SupersedeUndeliveredAsync(pending);
        Viewers.Poke();
        await DeliverAsync(pending.Command.CommandId);
        return Settle(commands.GetValueOrDefault(pending.Command.CommandId) ?? pending);
    }

    /// <summary>Takes back what no trainer has heard of.</summary>
    public async Task WithdrawAsync(ClaimsPrincipal person, string commandId)
    {
        if (!person.Allows(Policies.Operator) || !accounts.StillHolds(person)) throw new UnauthorizedAccessException("commands need the role operator");
        if (commands.TryGetValue(commandId, out var pending) && pending.Progress == CommandProgress.Waiting && !triedOn.ContainsKey(commandId))
            await ChangeAsync(pending, CommandProgress.Withdrawn, null, $"by {person.Identity?.Name}");
    }

    /// <summary>Delivers what waits, ends what is over; until the program ends.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var open in store.Open())
        {
            if (!commands.TryAdd(open.Command.CommandId, open)) continue;
            if (store.End(open.Command) is { } ended) await ChangeAsync(open, ProgressOf(ended), ended.Code, ended.Text);
        }

        presence.Arrival += Wake;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var pending in commands.Values.Where(pending => pending.IsOpen)) Look(pending);
                await wake.WaitAsync(LookEvery, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }
            catch (Exception error) // the loop must outlive whatever a store does to it
            {
                log.LogError(error, "Waiting commands could not be looked at; trying on");
                await Task.Delay(LookEvery, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        presence.Arrival -= Wake;
    }

    void Wake() => wake.Release();

    void Look(PendingCommand pending)
    {
        if (!Settle(pending).IsUndelivered) return;
        if (TargetOf(pending)?.Connection is { } connection && triedOn.GetValueOrDefault(pending.Command.CommandId) != connection) _ = DeliverAsync(pending.Command.CommandId);
    }

    /// <summary>One delivery of a command at a time: who comes second (the person, where the loop was first) waits for the first one's end.</summary>
    Task DeliverAsync(string id) => delivering.GetOrAdd(id, _ => new Lazy<Task>(() => DeliverOnceAsync(id))).Value;

    async Task DeliverOnceAsync(string id)
    {
        try
        {
            for (var attempt = 1; commands.TryGetValue(id, out var pending) && Settle(pending).IsUndelivered; attempt++)
            {
                // At once, and again when the trainer comes: what is said of it meanwhile stays.
                if (TargetOf(pending)?.Connection is not { } connection) return;
                if (attempt > Attempts)
                {
                    await ChangeAsync(pending, CommandProgress.NoAnswer, null, null);
                    return;
                }

                triedOn[id] = connection;
                if (pending.Progress != CommandProgress.Sent) pending = await ChangeAsync(pending, CommandProgress.Sent, null, null);
                if (!await SendAsync(pending, connection)) return;
            }
        }
        finally
        {
            delivering.TryRemove(id, out _);
        }
    }

    /// <returns>False: it is of no use to send it again on this connection.</returns>
    async Task<bool> SendAsync(PendingCommand pending, string connection)
    {
        var answering = hub.Clients.Client(connection).Execute(pending.Command with { ValidFor = pending.NotAfter - time.GetUtcNow() });
        try
        {
            await TakeAnswerAsync(pending.Command.CommandId, await answering.WaitAsync(AnswerWithin, time));
            return false;
        }
        catch (TimeoutException)
        {
            // It may come after the next one was sent: then it still counts.
            _ = TakeLateAnswerAsync(pending.Command.CommandId, answering);
            return true;
        }
        catch (Exception error) when (error is HubException or IOException or InvalidOperationException or OperationCanceledException)
        {
            await ChangeAsync(pending, CommandProgress.Waiting, "not_connected", error.Message);
            return false;
        }
    }

    async Task TakeLateAnswerAsync(string id, Task<CommandAnswer> answering)
    {
        try
        {
            await TakeAnswerAsync(id, await answering);
        }
        catch (Exception error)
        {
            log.LogWarning("Command {Command} was not answered on this connection: {Reason}", id, error.Message);
        }
    }

    async Task TakeAnswerAsync(string id, CommandAnswer answer)
    {
        if (!commands.TryGetValue(id, out var pending) || !pending.IsUndelivered) return;
        var progress = (answer.Accepted, pending.Command.Verb) switch
        {
            (false, _) when answer.Code == "superseded" => CommandProgress.Superseded,
            (false, _) when answer.Code == "expired" => CommandProgress.Expired,
            (false, _) => CommandProgress.Refused,
            // A new run tells the rest itself, under its own id.
            (true, var verb) when verb.EndsWithItsAnswer() => CommandProgress.Done,
            _ => CommandProgress.Accepted,
        };
        await ChangeAsync(pending, progress, answer.Code, answer.Text);
    }

    async Task<PendingCommand> ChangeAsync(PendingCommand pending, CommandProgress progress, string? code, string? text)
    {
        var id = pending.Command.CommandId;
        var changed = pending with { Progress = progress, Code = code, Text = text, Changed = time.GetUtcNow() };
        // Whoever was first has said it; one row is written.
        if (!commands.TryUpdate(id, changed, pending)) return commands.GetValueOrDefault(id, changed);
        log.LogInformation("{Verb} ({Command}): {Progress} {Code} {Text}", pending.Command.Verb, id, progress, code ?? "", text ?? "");
        await store.ChangeAsync(changed);
        Viewers.Poke();
        return changed;
    }

    /// <summary>An older wish that no trainer has is not delivered after a newer one was made.</summary>
    async Task SupersedeUndeliveredAsync(PendingCommand newer)
    {
        if (newer.Command.Verb.Wish() is null) return;
        foreach (var older in commands.Values.Where(open => open.Progress == CommandProgress.Waiting && open.Command.RunId == newer.Command.RunId
            && open.Command.Verb.Wish() is not null && open.Command.Generation < newer.Command.Generation && !delivering.ContainsKey(open.Command.CommandId)))
            await ChangeAsync(older, CommandProgress.Superseded, "superseded", null);
    }

    /// <summary>Looks whether its time is over, and whether the run has said what became of it.</summary>
    PendingCommand Settle(PendingCommand pending)
    {
        if (!pending.IsOpen) return pending;
        if (EndOf(pending.Command) is { } ended) return Ended(pending, ProgressOf(ended), ended.Code, ended.Text);
        return pending.IsUndelivered && time.GetUtcNow() > pending.NotAfter ? Ended(pending, CommandProgress.Expired, "expired", null) : pending;
    }

    PendingCommand Ended(PendingCommand pending, CommandProgress progress, string code, string? text)
    {
        _ = ChangeAsync(pending, progress, code, text);
        return commands.GetValueOrDefault(pending.Command.CommandId, pending);
    }

    CommandEnded? EndOf(RunCommand command) => runs.Find(command.RunId ?? "")?.View.Events.OfType<CommandEnded>().LastOrDefault(ended => ended.CommandId == command.CommandId);

    internal static CommandProgress ProgressOf(CommandEnded ended) => ended.Code switch
    {
        CommandEnded.Done => CommandProgress.Done,
        CommandEnded.Superseded => CommandProgress.Superseded,
        _ => CommandProgress.Failed,
    };

    Trainer? TargetOf(PendingCommand pending) => pending.Trainer is { } trainer ? presence.Find(trainer)
        : pending.Command.RunId is { } run && runs.Find(run) is { } projection ? presence.Of(projection.View) : null;

    long ObservedGeneration(string? run) => presence.All.Where(trainer => trainer.Beat?.RunId == run).Select(trainer => trainer.Beat!.Generation).DefaultIfEmpty(0).Max();

    static bool IsSame(RunCommand open, RunCommand command) =>
        (open.Verb, open.RunId, open.Argument, open.IssuedBy) == (command.Verb, command.RunId, command.Argument, command.IssuedBy);

    /// <summary>Sorts in the order of giving, also within a millisecond and when the clock is set back.</summary>
    string NewId(DateTimeOffset now)
    {
        lastId = Math.Max(lastId + 1, now.ToUnixTimeMilliseconds());
        return $"{lastId:x12}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
    }

    void Trim()
    {
        foreach (var (id, _) in commands.Where(pair => !pair.Value.IsOpen).OrderBy(pair => pair.Key, StringComparer.Ordinal).Take(Math.Max(0, commands.Count - Kept)))
        {
            commands.TryRemove(id, out _);
            triedOn.TryRemove(id, out _);
        }
    }

    public override void Dispose()
    {
        giving.Dispose();
        wake.Dispose();
        base.Dispose();
    }
}
