using System.Diagnostics.CodeAnalysis;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// What becomes of accepted commands, read off the run's own records: exactly one <see cref="CommandEnded"/> for each. It is told of every
/// record of worker and supervisor, on their threads; its lock is a leaf but for the ledger's.
/// </summary>
/// <param name="write">Takes what ended.</param>
public sealed class CommandTracker(Action<CommandEnded> write, TimeProvider time)
{
    readonly object gate = new();
    readonly List<Entry> open = [];

    /// <summary>Accepted and not ended, oldest first.</summary>
    internal IReadOnlyList<OpenCommand> Open
    {
        get
        {
            lock (gate) return [.. open.Select(entry => entry.Command)];
        }
    }

    /// <summary>What a former daemon accepted.</summary>
    internal void Restore(IEnumerable<OpenCommand> before)
    {
        lock (gate) open.AddRange(before.Select(command => new Entry(command, null)));
    }

    /// <summary>Before it is carried out: what it causes may be heard before it is answered.</summary>
    public void Begin(RunCommand command)
    {
        if (command.Verb.EndsWithItsAnswer()) return;
        lock (gate) open.Add(new Entry(new OpenCommand(command.CommandId, command.Verb, time.GetUtcNow()), time.GetTimestamp()));
    }

    /// <summary>It was accepted: a wish for a state that is still open is superseded by a newer one.</summary>
    public void Accepted(RunCommand command)
    {
        if (command.Verb.Wish() is null) return;
        List<CommandEnded> ended = [];
        lock (gate)
        {
            foreach (var older in open.Where(entry => entry.Command.Verb.Wish() is not null && entry.Command.CommandId != command.CommandId).ToList())
                ended.Add(Close(older, CommandEnded.Superseded, ""));
        }

        ended.ForEach(write);
    }

    public void Refused(RunCommand command)
    {
        lock (gate) open.RemoveAll(entry => entry.Command.CommandId == command.CommandId);
    }

    /// <summary>A record of the loaded run.</summary>
    public void Heard(TelemetryRecord record)
    {
        List<CommandEnded> ended = [];
        lock (gate)
        {
            if (open.Count == 0) return;
            foreach (var entry in open.ToList())
                if (Judge(entry.Command, record, out var code, out var text)) ended.Add(Close(entry, code, text));
        }

        ended.ForEach(write);
    }

    static bool Judge(OpenCommand command, TelemetryRecord record, [NotNullWhen(true)] out string? code, out string text)
    {
        (code, text) = record switch
        {
            // A worker that begins to run tells it without the command that had it started.
            RunStateChanged { State: RunState.Running, CommandId: null } when command.Verb == CommandVerb.Resume => (CommandEnded.Done, ""),
            RunStateChanged told when told.CommandId == command.CommandId => (ByState(command.Verb, told), told.Detail ?? ""),
            CheckpointWritten written when written.CommandId == command.CommandId && command.Verb == CommandVerb.CheckpointNow => (CommandEnded.Done, ""),
            KnobChanged turned when turned.CommandId == command.CommandId => (CommandEnded.Done, ""),
            CheckpointPinned pinned when pinned.CommandId == command.CommandId => (CommandEnded.Done, ""),
            Alert { Code: "checkpoint_failed" } failed when command.Verb == CommandVerb.CheckpointNow => ("save_failed", failed.Text),
            WorkerExited { Crash: { } crash } when !SurvivesDeath(command.Verb, crash.Next?.Code) => ("worker_died", crash.Message),
            WorkerExited { Crash: null } when command.Verb.Wish() is null => ("worker_left", ""),
            // Finished before the wish could be done.
            RunStateChanged { State: RunState.Finished } => (command.Verb is CommandVerb.Stop or CommandVerb.StopWithoutSaving or CommandVerb.Resume ? CommandEnded.Done : "run_finished", ""),
            _ => (null, ""),
        };
        return code is not null;
    }

    static string? ByState(CommandVerb verb, RunStateChanged told) => (verb, told.State) switch
    {
        (CommandVerb.Hold, RunState.Held) or (CommandVerb.Resume, RunState.Running or RunState.Held) or (CommandVerb.Release, RunState.Released)
            or (CommandVerb.Stop or CommandVerb.StopWithoutSaving, RunState.Stopped) => CommandEnded.Done,
        (CommandVerb.Release, RunState.Running or RunState.Held) => "save_failed",
        (CommandVerb.Set, RunState.Running or RunState.Held) => "knob_failed",
        (CommandVerb.EvaluateNow, RunState.Running or RunState.Held) => told.Reason is null ? CommandEnded.Done : "evaluation_failed",
        _ => null,
    };

    /// <summary>A worker that is started again is held again; a run that was to end has ended, though not as it was meant.</summary>
    static bool SurvivesDeath(CommandVerb verb, string? next) => verb is CommandVerb.Hold or CommandVerb.Resume && next == "restart";

    CommandEnded Close(Entry entry, string code, string text)
    {
        open.Remove(entry);
        var took = entry.Since is { } since ? time.GetElapsedTime(since) : time.GetUtcNow() - entry.Command.Accepted;
        return new CommandEnded { CommandId = entry.Command.CommandId, Verb = entry.Command.Verb, Code = code, Text = text, DurationSeconds = Math.Max(0, took.TotalSeconds) };
    }

    /// <param name="Since">Steady clock; null: accepted by a former daemon.</param>
    sealed record Entry(OpenCommand Command, long? Since);
}
