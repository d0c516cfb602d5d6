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
    readonly Ledger ledger;
    readonly TrainerFolder trainer;
    readonly ILogger log;
    readonly TimeProvider time;
    readonly SemaphoreSlim one = new(1);
    readonly Queue<CommandAnswer> answers = new();

    public CommandDesk(RunKeeper keeper, RunStarter starter, Ledger ledger, TrainerFolder trainer, ILogger log, TimeProvider time)
    {
        this.keeper = keeper;
        this.starter = starter;
        this.ledger = ledger;
        this.trainer = trainer;
        this.log = log;
        this.time = time;
        foreach (var answer in StateFile.Read(trainer.Commands, TrainerJson.Default.RememberedCommands, log)?.Answers ?? []) answers.Enqueue(answer);
    }

    public async Task<CommandAnswer> ExecuteAsync(RunCommand command)
    {
        await one.WaitAsync().ConfigureAwait(false);
        try
        {
            if (answers.FirstOrDefault(given => given.CommandId == command.CommandId) is { } before) return before;
            var answer = Decide(command);
            log.Information("{Verb} by {User}: {Code}, {Text}", command.Verb, command.IssuedBy, answer.Code, answer.Text);
            ledger.Write(new CommandHandled { Command = command, Answer = answer });
            Remember(answer);
            return answer;
        }
        finally
        {
            one.Release();
        }
    }

    void Remember(CommandAnswer answer)
    {
        answers.Enqueue(answer);
        while (answers.Count > Remembered) answers.Dequeue();
        StateFile.Write(trainer.Commands, new RememberedCommands(1, [.. answers]), TrainerJson.Default.RememberedCommands, log);
    }

    CommandAnswer Decide(RunCommand command)
    {
        var view = keeper.View;
        CommandAnswer Refuse(string code, string text) => new(command.CommandId, false, code, text, view?.RunId);
        CommandAnswer Accept(string text) => new(command.CommandId, true, "accepted", text, view?.RunId);

        if (time.GetUtcNow() > command.NotAfter) return Refuse("expired", $"it was valid until {command.NotAfter:u}");
        if (command.Verb == CommandVerb.Start) return Start(command, view);
        if (view is null) return Refuse("unknown_run", "no run is loaded");
        if (command.RunId is { } wanted && wanted != view.RunId) return Refuse("unknown_run", $"the loaded run is {view.RunId}");
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

    CommandAnswer Start(RunCommand command, RunView? view)
    {
        if (view is { } loaded && (loaded.WorkerPid is not null || loaded.RestartPending || loaded.Target != RunTarget.Stopped))
            return new CommandAnswer(command.CommandId, false, "busy", $"run {loaded.RunId} is {loaded.State.ToString().ToUpperInvariant()}; stop it first", loaded.RunId);
        return starter.Start(command);
    }

    public void Dispose() => one.Dispose();
}
