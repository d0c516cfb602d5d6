using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Keeps the loaded run doing what it is meant to: starts its workers, judges their ends, restarts or gives up. One loop of the
/// supervisor; commands come from others and only change the wish, under one lock.
/// </summary>
public sealed class RunKeeper(
    TrainerFolder trainer, SupervisorOptions options, Ledger ledger, CrashDesk crashes, RunContext context, ILogger log, TimeProvider time)
    : IDisposable
{
    static readonly CodedText DaemonEnds = new("daemon_ends", "the daemon ends; the run goes on when it is back");

    readonly object gate = new();
    readonly List<Death> deaths = [];
    readonly SemaphoreSlim wake = new(0);
    readonly SnapshotFile? snapshots = SnapshotFile.Create();
    RunFolder? folder;
    RunIdentity? identity;
    RunState state;
    long? step;
    RunTarget target = RunTarget.Stopped;
    string? stopCommand;
    string? startCommand;
    bool restartPending;
    CrashSummary? lastCrash;
    WorkerWatch? watch;

    /// <summary>Null: no run is loaded.</summary>
    public RunView? View
    {
        get
        {
            lock (gate)
            {
                return folder is null || identity is null ? null
                    : new RunView(folder.RunId, identity.Name, state, step, target, identity.Finished, watch?.ProcessId, restartPending, lastCrash);
            }
        }
    }

    /// <summary>Takes a run. Nobody's worker lives: the desk has seen to that.</summary>
    public void Load(RunFolder run, RunTarget wish, string? commandId)
    {
        var read = RunCatalog.Read(run);
        lock (gate)
        {
            snapshots?.Clear();
            (folder, identity, target, startCommand, stopCommand) = (run, read, read.Finished ? RunTarget.Stopped : wish, commandId, null);
            (step, lastCrash, restartPending) = (null, null, false);
            state = read.Finished ? RunState.Finished : wish == RunTarget.Stopped ? RunState.Stopped : RunState.Starting;
            // A person's start begins the count anew, a daemon's does not.
            SetDeaths(commandId is null ? DeathLog.Read(run, log) : []);
            (context.Run, context.Incarnation, context.Step) = (run.RunId, read.Incarnation, null);
            ledger.Load(run);
            GiveUpIfHopeless();
            WriteDesired();
        }

        wake.Release();
    }

    /// <summary>What the deaths of former daemons' workers say; a run that was given up before is stopped already.</summary>
    void GiveUpIfHopeless()
    {
        if (target == RunTarget.Stopped || deaths.Count == 0 || options.Restarts.Decide(deaths) is not { Delay: null } hopeless) return;
        target = RunTarget.Stopped;
        Tell(RunState.Crashed, reason: hopeless.Reason);
    }

    void SetDeaths(IReadOnlyList<Death> known)
    {
        deaths.Clear();
        deaths.AddRange(known);
        if (known.Count == 0 && File.Exists(folder!.Deaths)) DeathLog.Write(folder, deaths, log);
    }

    /// <summary>Passes a command to the living worker and remembers what the run is meant to do from now on.</summary>
    /// <returns>False: no worker reads.</returns>
    public bool Pass(RunCommand command)
    {
        lock (gate)
        {
            if (watch is null || !watch.Send(command)) return false;
            switch (command.Verb)
            {
                case CommandVerb.Hold:
                    target = RunTarget.Held;
                    Tell(RunState.Holding, command.CommandId);
                    break;
                case CommandVerb.Resume:
                    target = RunTarget.Running;
                    break;
                case CommandVerb.Stop or CommandVerb.StopWithoutSaving:
                    (target, stopCommand) = (RunTarget.Stopped, command.CommandId);
                    Tell(RunState.Stopping, command.CommandId);
                    break;
                default:
                    break;
            }

            WriteDesired();
            return true;
        }
    }

    /// <summary>Starts the worker of a stopped or given-up run again.</summary>
    public void Restart(string commandId)
    {
        lock (gate)
        {
            (target, startCommand, stopCommand) = (RunTarget.Running, commandId, null);
            SetDeaths([]); // a person has looked: the count begins anew
            WriteDesired();
        }

        wake.Release();
    }

    /// <summary>A restart that is pending does not happen.</summary>
    public void CancelRestart(string commandId)
    {
        lock (gate)
        {
            (target, restartPending) = (RunTarget.Stopped, false);
            Tell(RunState.Stopped, commandId);
            WriteDesired();
        }

        wake.Release();
    }

    /// <summary>Until cancelled; then the worker saves and leaves.</summary>
    /// <returns>True: the run is to go on when the daemon comes back.</returns>
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            bool wanted;
            lock (gate) wanted = folder is not null && !identity!.Finished && target != RunTarget.Stopped;
            try
            {
                if (wanted) await RunWorkerAsync(cancel).ConfigureAwait(false);
                else await wake.WaitAsync(cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error) // the keeper must outlive whatever a run does to it
            {
                log.Error(error, "The run cannot be kept; it is stopped");
                lock (gate)
                {
                    target = RunTarget.Stopped;
                    Tell(RunState.Crashed, detail: error.Message);
                }
            }
        }

        lock (gate) return folder is not null && !identity!.Finished && target != RunTarget.Stopped;
    }

    async Task RunWorkerAsync(CancellationToken cancel)
    {
        // The worker of a daemon that was killed may still be saving.
        if (!await RunLock.WaitUntilFreeAsync(folder!.Lock, options.Grace, time, cancel).ConfigureAwait(false))
            log.Warning("Another process holds the run; the worker will be refused");
        using var current = Begin();
        var end = await current.RunAsync(cancel).ConfigureAwait(false);
        Settled settled;
        lock (gate)
        {
            watch = null;
            identity = RunCatalog.Read(folder!);
            // A worker that died before it took its number must not lend it to the next one.
            if (identity.Incarnation < current.Incarnation) RunCatalog.Write(folder!, identity = identity with { Incarnation = current.Incarnation });
            step = current.Step ?? step;
            settled = Settle(end, current, cancel.IsCancellationRequested);
        }

        if (!settled.IsCrash)
        {
            snapshots?.Clear(); // it left in order: what is to be kept is on disk
            ledger.Write(new WorkerExited { ExitCode = end.ExitCode, Signal = end.Signal, WorkerIncarnation = current.Incarnation });
            lock (gate) Tell(settled.State, settled.CommandId, reason: settled.Reason);
            ledger.RunIsLive = false;
            return;
        }

        await CrashedAsync(current, end, cancel).ConfigureAwait(false);
    }

    WorkerWatch Begin()
    {
        lock (gate)
        {
            var incarnation = identity!.Incarnation + 1;
            context.Incarnation = incarnation;
            Tell(identity.Incarnation == 0 ? RunState.Starting : RunState.Resuming, startCommand);
            startCommand = null;
            ledger.RunIsLive = true;
            watch = new WorkerWatch(folder!, incarnation, options, ledger, log, time, Seen, snapshots);
            if (target == RunTarget.Held) watch.Send(new RunCommand("", folder!.RunId, CommandVerb.Hold, null, "supervisor", time.GetUtcNow(), DateTimeOffset.MaxValue));
            return watch;
        }
    }

    /// <summary>What the worker itself says; called by its watch.</summary>
    void Seen(RunState? told, long? steps)
    {
        lock (gate)
        {
            step = steps ?? step;
            context.Step = step;
            if (told is { } next) state = next;
        }
    }

    /// <param name="IsCrash">The end was no order of anybody's.</param>
    sealed record Settled(bool IsCrash, RunState State, string? CommandId, CodedText? Reason);

    Settled Settle(WorkerEnd end, WorkerWatch current, bool leaving)
    {
        var inOrder = current.Hang is null && end.ExitCode is ExitCodes.Done or ExitCodes.SavedAndReleased;
        if (inOrder && identity!.Finished)
        {
            target = RunTarget.Stopped;
            WriteDesired();
            return new Settled(false, RunState.Finished, stopCommand, null);
        }

        if (inOrder && target == RunTarget.Stopped) return new Settled(false, RunState.Stopped, stopCommand, null);
        if (end.ExitCode == ExitCodes.SavedAndReleased && current.Hang is null)
            return new Settled(false, RunState.Stopped, null, leaving ? DaemonEnds : new CodedText("asked_to_leave", "somebody else asked the worker to leave; it goes on"));
        return new Settled(true, RunState.Crashed, null, null);
    }

    async Task CrashedAsync(WorkerWatch current, WorkerEnd end, CancellationToken cancel)
    {
        RestartDecision? decision = null;
        var crash = await crashes.InvestigateAsync(folder!, current, end, steps =>
        {
            decision = Decide(end, steps, cancel.IsCancellationRequested);
            return decision.Reason;
        }).ConfigureAwait(false);
        // The banner first: whoever watches knows of it before the report is packed.
        ledger.Write(new WorkerExited { ExitCode = end.ExitCode, Signal = end.Signal, WorkerIncarnation = current.Incarnation, Crash = crash.Summary });
        lock (gate)
        {
            lastCrash = crash.Summary;
            restartPending = decision!.Delay is not null;
            Tell(RunState.Crashed, detail: crash.Summary.Message, reason: crash.Summary.Cause);
            if (decision.Delay is null && !cancel.IsCancellationRequested) target = RunTarget.Stopped;
            WriteDesired();
        }

        log.Error("{Kind}: {Message}; {Next}", crash.Summary.Kind, crash.Summary.Message, crash.Summary.Next);
        crashes.Archive(crash);
        if (decision.Delay is { } delay)
        {
            while (await wake.WaitAsync(TimeSpan.Zero, CancellationToken.None).ConfigureAwait(false)) { } // wishes from before the crash
            await wake.WaitAsync(delay, cancel).ConfigureAwait(false);
        }

        lock (gate) restartPending = false;
        ledger.RunIsLive = false;
    }

    RestartDecision Decide(WorkerEnd end, long? steps, bool leaving)
    {
        lock (gate)
        {
            deaths.Add(new Death(time.GetUtcNow(), end.ExitCode, steps));
            DeathLog.Write(folder!, deaths, log);
            if (target == RunTarget.Stopped) return new RestartDecision(null, new CodedText("stays_down", "stays down: it was told to stop"));
            return leaving
                ? new RestartDecision(null, DaemonEnds)
                : options.Restarts.Decide(deaths);
        }
    }

    void Tell(RunState next, string? commandId = null, string? detail = null, CodedText? reason = null)
    {
        state = next;
        detail ??= reason?.English;
        log.Information("Run is {State}{Detail}", next.ToString().ToUpperInvariant(), detail is null ? "" : $": {detail}");
        ledger.Write(new RunStateChanged { State = next, Step = step, CommandId = commandId, Detail = detail, Reason = reason });
    }

    void WriteDesired() => StateFile.Write(trainer.Desired, new DesiredRun(1, folder!.RunId, target), TrainerJson.Default.DesiredRun, log);

    public void Dispose()
    {
        wake.Dispose();
        snapshots?.Dispose();
    }
}
