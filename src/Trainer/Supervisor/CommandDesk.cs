using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Every command to this trainer, from the page or the socket, one at a time: is it legal in this state? Journaled either way; the same
/// id gets the same answer, also after a restart of the daemon.
/// </summary>
public sealed class CommandDesk : IDisposable
{
    const int Remembered = 256;

    readonly RunKeeper keeper;
    readonly RunStarter starter;
    readonly CheckpointDesk checkpoints;
    readonly Ledger ledger;
    readonly TrainerFolder trainer;
    readonly ILogger log;
    readonly TimeProvider time;
    readonly SemaphoreSlim one = new(1);
    readonly Lock memory = new();
    readonly Queue<CommandAnswer> answers = new();
    readonly CommandTracker tracker;
    volatile IReadOnlyList<LiveKnob> knobs = [];

    public CommandDesk(RunKeeper keeper, RunStarter starter, CheckpointDesk checkpoints, Ledger ledger, TrainerFolder trainer, ILogger log, TimeProvider time)
    {
        this.keeper = keeper;
        this.starter = starter;
        this.checkpoints = checkpoints;
        this.ledger = ledger;
        this.trainer = trainer;
        this.log = log;
        this.time = time;
        tracker = new CommandTracker(ledger.Write, time);
        var remembered = StateFile.Read(trainer.Commands, TrainerJson.Default.RememberedCommands, log);
        foreach (var answer in remembered?.Answers ?? []) answers.Enqueue(answer);
        tracker.Restore(remembered?.Open ?? []);
        ledger.Heard = Heard;
    }

    /// <summary>Its answer; at once, but for those that come at the same time.</summary>
    public async Task<CommandAnswer> ExecuteAsync(RunCommand command)
    {
        // By this clock alone, from here on: how long it waits for others counts too.
        var received = time.GetTimestamp();
        await one.WaitAsync().ConfigureAwait(false);
        try
        {
            if (Given(command.CommandId) is { } before) return before;
            tracker.Begin(command);
            var answer = time.GetElapsedTime(received) >= command.ValidFor ? Refusal(command, "expired", "its time is over") : Decide(command);
            if (!answer.Accepted) tracker.Refused(command);
            log.Information("{Verb} by {User}: {Code}, {Text}", command.Verb, command.IssuedBy, answer.Code, answer.Text);
            ledger.Write(new CommandHandled { Command = command, Answer = answer });
            if (answer.Accepted) tracker.Accepted(command);
            Remember(answer);
            return answer;
        }
        finally
        {
            one.Release();
        }
    }

    void Heard(TelemetryRecord record)
    {
        // Before the tracker tells that the command has ended: whoever reads that may turn the knob next.
        if (record is RunStarted started) knobs = started.Knobs;
        if (record is KnobChanged turned) knobs = [.. knobs.Select(knob => knob.Name == turned.Name ? knob with { Value = turned.Value } : knob)];
        tracker.Heard(record);
        if (record is not CommandEnded ended) return;
        log.Information("{Verb} ({Command}): {Code} after {Seconds:F1} s {Text}", ended.Verb, ended.CommandId, ended.Code, ended.DurationSeconds, ended.Text);
        Remember(null); // the next daemon must not end it once more
    }

    CommandAnswer? Given(string id)
    {
        lock (memory) return answers.FirstOrDefault(given => given.CommandId == id);
    }

    /// <summary>On the thread that answers, and on those that tell of an end.</summary>
    void Remember(CommandAnswer? answer)
    {
        lock (memory)
        {
            if (answer is not null) answers.Enqueue(answer);
            while (answers.Count > Remembered) answers.Dequeue();
            StateFile.Write(trainer.Commands, new RememberedCommands(1, [.. answers], tracker.Open), TrainerJson.Default.RememberedCommands, log);
        }
    }

    CommandAnswer Refusal(RunCommand command, string code, string text) => new(command.CommandId, false, code, text, keeper.View?.RunId);

    CommandAnswer Decide(RunCommand command)
    {
        var view = keeper.View;
        CommandAnswer Refuse(string code, string text) => Refusal(command, code, text);
        CommandAnswer Accept(string text) => new(command.CommandId, true, "accepted", text, view?.RunId);

        if (command.Verb is CommandVerb.Start or CommandVerb.Branch) return Begin(command, view);
        if (command.Verb == CommandVerb.SendCheckpoint) return checkpoints.Send(command);
        if (command is { Verb: CommandVerb.Resume, RunId: { } other } && other != view?.RunId)
            return IsBusy(view) ? Refuse("busy", $"run {view!.RunId} is {view.State.ToString().ToUpperInvariant()}; release or stop it first") : starter.GoOn(command, other);
        if (view is null) return Refuse("unknown_run", "no run is loaded");
        if (command.RunId is { } wanted && wanted != view.RunId) return Refuse("unknown_run", $"the loaded run is {view.RunId}");
        // Seen is seen: an older wish that arrives later does not come true, whatever became of the newer one.
        if (command.Verb.Wish() is not null && !keeper.Sees(command.Generation))
            return Refuse("superseded", $"a newer wish (generation {view.Generation}) came before this one (generation {command.Generation})");
        var lives = view.WorkerPid is not null;
        var state = view.State.ToString().ToUpperInvariant();
        switch (command.Verb)
        {
            case CommandVerb.Resume when !lives && !view.Finished && !view.RestartPending:
                keeper.Restart(command.CommandId);
                return Accept("goes on from its last checkpoint");
            case CommandVerb.Resume when lives && view.State is RunState.Held or RunState.Holding:
                return keeper.Pass(command) ? Accept("goes on") : Refuse("wrong_state", "the worker does not read any more");
            case CommandVerb.Hold when lives && view.State is RunState.Running or RunState.Saving or RunState.Starting or RunState.Resuming:
                return keeper.Pass(command) ? Accept("stands still at the next step boundary") : Refuse("wrong_state", "the worker does not read any more");
            case CommandVerb.CheckpointNow when lives && view.State is RunState.Running or RunState.Held or RunState.Holding:
                return keeper.Pass(command) ? Accept("saves at the next step boundary") : Refuse("wrong_state", "the worker does not read any more");
            case CommandVerb.Set when lives && view.State is RunState.Running or RunState.Held:
                return TurnKnob(command, Refuse, Accept);
            case CommandVerb.Pin:
                return checkpoints.Pin(command, view.RunId);
            case CommandVerb.EvaluateNow when lives && view.State is RunState.Running or RunState.Held:
                return keeper.Pass(command) ? Accept("evaluates at the next step boundary") : Refuse("wrong_state", "the worker does not read any more");
            case CommandVerb.Release when lives && view.State is RunState.Running or RunState.Holding or RunState.Held or RunState.Starting or RunState.Resuming:
                return keeper.Pass(command) ? Accept("saves at the next step boundary, then frees the memory") : Refuse("wrong_state", "the worker does not read any more");
            case CommandVerb.Stop when lives && view.State != RunState.Stopping:
            case CommandVerb.StopWithoutSaving when lives:
                return keeper.Pass(command) ? Accept(command.Verb == CommandVerb.Stop ? "saves and ends" : "ends without saving") : Refuse("wrong_state", "the worker is dead already");
            case CommandVerb.Stop or CommandVerb.StopWithoutSaving when view.RestartPending:
                keeper.CancelRestart(command.CommandId);
                return Accept("will not be started again");
            default:
                return Refuse("wrong_state", $"the run is {state}");
        }
    }

    CommandAnswer TurnKnob(RunCommand command, Func<string, string, CommandAnswer> refuse, Func<string, CommandAnswer> accept)
    {
        KnobChange? change;
        try
        {
            change = JsonSerializer.Deserialize(command.Argument ?? "null", McnJson.Default.KnobChange);
        }
        catch (JsonException error)
        {
            return refuse("bad_argument", error.Message);
        }

        if (change is null || knobs.FirstOrDefault(one => one.Name == change.Name) is not { } knob)
            return refuse("bad_argument", $"{change?.Name ?? "nothing"}: no such knob; there are {string.Join(", ", knobs.Select(one => one.Name))}");
        if (knob.Refusal(change.Value) is { } why) return refuse("bad_argument", why);
        if (change.Expected is { } expected && expected != knob.Value) return refuse("changed_meanwhile", FormattableString.Invariant($"{knob.Name} is {knob.Value} meanwhile, not {expected}"));
        return keeper.Pass(command) ? accept(FormattableString.Invariant($"{knob.Name} becomes {change.Value} at the next step boundary")) : refuse("wrong_state", "the worker does not read any more");
    }

    CommandAnswer Begin(RunCommand command, RunView? view)
    {
        if (IsBusy(view)) return new CommandAnswer(command.CommandId, false, "busy", $"run {view!.RunId} is {view.State.ToString().ToUpperInvariant()}; release or stop it first", view.RunId);
        return command.Verb == CommandVerb.Start ? starter.Start(command) : starter.Branch(command);
    }

    static bool IsBusy(RunView? view) => view is { } loaded && (loaded.WorkerPid is not null || loaded.RestartPending || loaded.Target is RunTarget.Running or RunTarget.Held);

    public void Dispose() => one.Dispose();
}
