using Mcn.Web.Shared;
using Serilog.Core;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The daemon: holds the folder's lock, owns every part and its loop, and takes them down in order. It never maps libtorch, so it
/// outlives whatever that does.
/// </summary>
public sealed class SupervisorService : IDisposable
{
    static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(10);

    readonly SupervisorOptions options;
    readonly TimeProvider time;
    readonly TrainerFolder trainer;
    readonly FileStream folderLock;
    readonly RunContext context = new();
    readonly Logger log;
    readonly Ledger ledger;
    readonly SinkAlarm sinkAlarm;
    readonly MachineWatch machine;
    readonly CrashDesk crashes;
    readonly RunKeeper keeper;
    readonly CheckpointDesk checkpoints;
    readonly CommandDesk desk;
    readonly RunStarter starter;

    /// <exception cref="UserError">The folder cannot be written (exit code 1), or another daemon holds it (3).</exception>
    public SupervisorService(SupervisorOptions options, MachineProbe? probe, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        trainer = new TrainerFolder(options.DataFolder);
        folderLock = trainer.Take();
        ledger = new Ledger(trainer, time);
        sinkAlarm = new SinkAlarm(ledger, time);
        log = Log.Create(trainer.Logs, context, options.LogToConsole, sinkAlarm.Take);
        machine = new MachineWatch(probe, () => keeper?.View?.WorkerPid, ledger, log, time);
        crashes = new CrashDesk(trainer, machine, ledger, log, time);
        keeper = new RunKeeper(trainer, options, ledger, crashes, machine, context, log, time);
        starter = new RunStarter(trainer, options, keeper, log, time);
        checkpoints = new CheckpointDesk(trainer, ledger);
        desk = new CommandDesk(keeper, starter, checkpoints, ledger, trainer, log, time);
    }

    internal CommandDesk Desk => desk;

    /// <summary>Until cancelled.</summary>
    /// <returns>Exit code: 75 when a run is to go on when the daemon is back.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        log.Information("Trainer daemon {Pid} on {Folder}", Environment.ProcessId, trainer.Data);
        // The loops that tell outlive the one that trains: its last words must still be sent.
        using var farewell = new CancellationTokenSource();
        try
        {
            crashes.InvestigateForgotten();
            starter.LoadAtStart();
            using var link = DashboardLink.Create(options, trainer, keeper, desk, checkpoints, log, time);
            var tellers = new[]
            {
                machine.RunAsync(farewell.Token),
                new LocalSocket(trainer, desk, Status, log, time).RunAsync(farewell.Token),
                link?.RunAsync(farewell.Token) ?? Task.CompletedTask,
            };
            var goesOn = await keeper.RunAsync(cancel).ConfigureAwait(false);
            await SuppressAsync(crashes.Packed.WaitAsync(LongestFarewell, time, CancellationToken.None)).ConfigureAwait(false);
            if (link is not null) await link.DrainAsync(LongestFarewell).ConfigureAwait(false);
            await farewell.CancelAsync().ConfigureAwait(false);
            await SuppressAsync(Task.WhenAll(tellers).WaitAsync(LongestFarewell, time, CancellationToken.None)).ConfigureAwait(false);
            log.Information("Trainer daemon leaves{GoesOn}", goesOn ? "; the run goes on when it is back" : "");
            return goesOn ? ExitCodes.SavedAndReleased : ExitCodes.Done;
        }
        finally
        {
            await farewell.CancelAsync().ConfigureAwait(false);
            sinkAlarm.Dispose();
            ledger.Dispose();
        }
    }

    /// <summary>One line for `status`.</summary>
    string Status()
    {
        if (keeper.View is not { } view) return "no run is loaded";
        var text = FormattableString.Invariant($"run {view.RunId} ({view.Name}): {view.State.ToString().ToUpperInvariant()}");
        if (view.Step is { } step) text += FormattableString.Invariant($" at step {step}");
        if (view.WorkerPid is { } pid) text += FormattableString.Invariant($", worker {pid}");
        if (view.RestartPending) text += ", will be started again";
        if (view.LastCrash is { } crash) text += $"; last crash {crash.CrashId}: {crash.Message}";
        return text.ReplaceLineEndings(" ");
    }

    static async Task SuppressAsync(Task task) =>
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public void Dispose()
    {
        desk.Dispose();
        keeper.Dispose();
        machine.Dispose();
        sinkAlarm.Dispose();
        ledger.Dispose();
        log.Dispose();
        folderLock.Dispose();
    }
}
