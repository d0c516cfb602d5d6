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
    TrainerFolder trainer, SupervisorOptions options, Ledger ledger, CrashDesk crashes, MachineWatch machine, RunContext context, ILogger log, TimeProvider time)
    : IDisposable
{
    static readonly TimeSpan LongestSample = TimeSpan.FromSeconds(2);

    readonly object gate = new();
    readonly DeathCount deaths = new(options.Restarts, log);
    readonly SemaphoreSlim wake = new(0);
    readonly SnapshotFile? snapshots = SnapshotFile.Create();
    RunFolder? folder;
    RunIdentity? identity;
    RunState state;
    long? step;
    RunTarget target = RunTarget.Stopped;
    string? targetCommand;
    string? startCommand;
    long generation;
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
                    : new RunView(folder.RunId, identity.Name, state, step, target, identity.Finished, watch?.ProcessId, restartPending, lastCrash,
                        watch?.Incarnation ?? identity.Incarnation, generation);
            }
        }
    }

    /// <summary>Takes a run. Nobody's worker lives: the desk has seen to that.</summary>
    internal void Load(RunFolder run, DesiredRun wish, string? startedBy)
    {
        var read = RunCatalog.Read(run);
        lock (gate)
        {
            snapshots?.Clear();
            (folder, identity, target, startCommand, targetCommand) = (run, read, read.Finished ? RunTarget.Stopped : wish.Target, startedBy, wish.CommandId);
            (step, lastCrash, restartPending, generation) = (null, null, false, wish.Generation);
            state = read.Finished ? RunState.Finished : wish.Target switch { RunTarget.Stopped => RunState.Stopped, RunTarget.Released => RunState.Released, _ => RunState.Starting };
            // A person's start begins the count anew, a daemon's does not.
            deaths.Load(run, anew: startedBy is not null);
            (context.Run, context.Incarnation, context.Step) = (run.RunId, read.Incarnation, null);
            ledger.Load(run);
            GiveUpIfHopeless();
            WriteDesired();
            wake.Release();
            // What a daemon before this one had begun, and died over, is done now: no worker lives.
            if (state is not RunState.Stopped and not RunState.Released || targetCommand is null) return;
            Tell(state, targetCommand);
            Fulfilled();
        }
    }

    /// <summary>A wish with this generation has been seen, whatever is answered; 0: count on.</summary>
    /// <returns>False: a newer one was seen before it.</returns>
    public bool Sees(long newer)
    {
        lock (gate)
        {
            if (newer > 0 && newer <= generation) return false;
            generation = newer > 0 ? newer : generation + 1;
            if (folder is not null) WriteDesired();
            return true;
        }
    }

    /// <summary>What the deaths of former daemons' workers say; a run that was given up before is stopped already.</summary>
    void GiveUpIfHopeless()
    {
        if (target is RunTarget.Stopped or RunTarget.Released || deaths.Hopeless is not { } reason) return;
        target = RunTarget.Stopped;
        Tell(RunState.Crashed, reason: reason);
    }

    /// <summary>Passes a command to the living worker and remembers what the run is meant to do from now on.</summary>
    /// <returns>False: no worker reads.</returns>
    public bool Pass(RunCommand command)
    {
        lock (gate)
        {
            if (watch is null || !watch.Send(command)) return false;
            var wish = command.Verb.Wish();
            if (wish is { } next) (target, targetCommand) = (next, command.CommandId);
            if (command.Verb == CommandVerb.Hold) Tell(RunState.Holding, command.CommandId);
            else if (wish == RunTarget.Stopped) Tell(RunState.Stopping, command.CommandId);
            WriteDesired();
            return true;
        }
    }

    /// <summary>Starts the worker of a stopped or given-up run again.</summary>
    public void Restart(string commandId)
    {
        lock (gate)
        {
            (target, startCommand, targetCommand) = (RunTarget.Running, commandId, commandId);
            deaths.Clear();
            WriteDesired();
        }

        wake.Release();
    }

    /// <summary>A restart that is pending does not happen.</summary>
    public void CancelRestart(string commandId)
    {
        lock (gate)
        {
            (target, targetCommand, restartPending) = (RunTarget.Stopped, commandId, false);
            Tell(RunState.Stopped, commandId);
            Fulfilled();
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
            lock (gate) wanted = IsToRun;
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

        lock (gate) return IsToRun;
    }

    bool IsToRun => folder is not null && !identity!.Finished && target is RunTarget.Running or RunTarget.Held;

    async Task RunWorkerAsync(CancellationToken cancel)
    {
        // The worker of a daemon that was killed may still be saving.
        if (!await RunLock.WaitUntilFreeAsync(folder!.Lock, options.Grace, time, cancel).ConfigureAwait(false))
            log.Warning("Another process holds the run; the worker will be refused");
        using var current = Begin();
        var end = await current.RunAsync(cancel).ConfigureAwait(false);
        var (host, gpu) = (machine.LastHost, machine.LastGpu);
        Settled settled;
        string? commandId;
        lock (gate)
        {
            watch = null;
            identity = RunCatalog.Read(folder!);
            // A worker that died before it took its number must not lend it to the next one.
            if (identity.Incarnation < current.Incarnation) RunCatalog.Write(folder!, identity = identity with { Incarnation = current.Incarnation });
            step = current.Step ?? step;
            settled = Settled.Of(end, current.Hang is not null, identity.Finished, current.HasSavedToRelease, target, cancel.IsCancellationRequested);
            if (settled.State == RunState.Finished) target = RunTarget.Stopped;
            commandId = target is RunTarget.Stopped or RunTarget.Released ? targetCommand : null;
            WriteDesired();
        }

        if (!settled.IsCrash)
        {
            snapshots?.Clear(); // it left in order: what is to be kept is on disk
            ledger.Write(new WorkerExited { ExitCode = end.ExitCode, Signal = end.Signal, WorkerIncarnation = current.Incarnation });
            var proof = settled.State == RunState.Released ? await ProveAsync(new ReleaseProof(host, gpu), current.ProcessId).ConfigureAwait(false) : null;
            lock (gate)
            {
                Tell(settled.State, commandId, reason: proof ?? settled.Reason);
                Fulfilled();
            }

            ledger.RunIsLive = false;
            return;
        }

        await CrashedAsync(current, end, cancel).ConfigureAwait(false);
    }

    async Task<CodedText> ProveAsync(ReleaseProof before, int processId)
    {
        var (host, gpu) = await machine.SampleNowAsync(LongestSample).ConfigureAwait(false);
        return before.Against(processId, !Directory.Exists($"/proc/{processId}"), host, gpu);
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
            if (target == RunTarget.Held) watch.Send(new RunCommand(targetCommand ?? "", folder!.RunId, CommandVerb.Hold, null, "supervisor", time.GetUtcNow(), TimeSpan.MaxValue));
            return watch;
        }
    }

    /// <summary>What the worker itself says; called by its watch.</summary>
    void Seen(RunStateChanged? told, long? steps)
    {
        lock (gate)
        {
            step = steps ?? step;
            context.Step = step;
            if (told is null) return;
            state = told.State;
            // A hold that lasted too long releases itself; a release that could not be saved has not happened.
            if (told.State == RunState.Releasing && target == RunTarget.Held) (target, targetCommand) = (RunTarget.Released, null);
            else if (told.State is RunState.Running or RunState.Held && target == RunTarget.Released && told.CommandId == targetCommand)
                target = told.State == RunState.Held ? RunTarget.Held : RunTarget.Running;
            else return;
            WriteDesired();
        }
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
            var decision = deaths.Add(new Death(time.GetUtcNow(), end.ExitCode, steps));
            if (target is RunTarget.Stopped or RunTarget.Released) return new RestartDecision(null, new CodedText("stays_down", "stays down: it was told to stop"));
            return leaving ? new RestartDecision(null, Settled.DaemonEnds) : decision;
        }
    }

    void Tell(RunState next, string? commandId = null, string? detail = null, CodedText? reason = null)
    {
        state = next;
        detail ??= reason?.English;
        log.Information("Run is {State}{Detail}", next.ToString().ToUpperInvariant(), detail is null ? "" : $": {detail}");
        ledger.Write(new RunStateChanged { State = next, Step = step, CommandId = commandId, Detail = detail, Reason = reason });
    }

    /// <summary>Nobody runs, as was wished: the command behind it is done, and the next daemon need not say so again.</summary>
    void Fulfilled()
    {
        if (target is RunTarget.Stopped or RunTarget.Released) targetCommand = null;
        WriteDesired();
    }

    void WriteDesired() => StateFile.Write(trainer.Desired, new DesiredRun(DesiredRun.Version, folder!.RunId, target, targetCommand, generation), TrainerJson.Default.DesiredRun, log);

    public void Dispose()
    {
        wake.Dispose();
        snapshots?.Dispose();
    }
}
