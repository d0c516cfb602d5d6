using Mcn.Web.Shared;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>Brings a dead worker and the crash path together, and finds the dead of whom nobody knows. Reports are packed one at a time.</summary>
public sealed class CrashDesk(TrainerFolder trainer, MachineWatch machine, Ledger ledger, ILogger log, TimeProvider time)
{
    static readonly TimeSpan LongestSample = TimeSpan.FromSeconds(2);

    readonly object gate = new();
    IReadOnlyDictionary<string, string> environment = new Dictionary<string, string>();
    Task packing = Task.CompletedTask;

    /// <summary>Completes when every report that was begun is on disk, or could not be.</summary>
    public Task Packed
    {
        get
        {
            lock (gate) return packing;
        }
    }

    public async Task<CrashCase> InvestigateAsync(RunFolder folder, WorkerWatch worker, WorkerEnd end, Func<long?, CodedText> next)
    {
        var now = time.GetUtcNow();
        var (content, bytes) = worker.ReadRecorder();
        var (host, gpu) = await machine.SampleNowAsync(LongestSample).ConfigureAwait(false);
        environment = worker.Environment;
        var scene = new CrashScene
        {
            Folder = folder,
            DaemonLogs = trainer.Logs,
            WorkerIncarnation = worker.Incarnation,
            Time = now,
            ExitCode = end.ExitCode,
            Signal = end.Signal,
            Hang = worker.Hang?.Text,
            Threads = worker.Threads,
            ErrorTail = worker.ErrorTail,
            Recorder = content,
            RecorderBytes = bytes,
            Recent = ledger.Recent.ToList(),
            HostAtDeath = host,
            GpuAtDeath = gpu,
            OutOfMemoryKills = worker.OutOfMemoryKills,
        };
        return CrashInvestigator.Investigate(scene, next);
    }

    /// <summary>Packs the report behind the caller's back, after those before it.</summary>
    public void Archive(CrashCase crash)
    {
        lock (gate) packing = PackAsync(packing, crash, environment);
    }

    async Task PackAsync(Task before, CrashCase crash, IReadOnlyDictionary<string, string> variables)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        try
        {
            var path = await CrashArchive.WriteAsync(crash, CrashParts.Of(crash, variables), time).ConfigureAwait(false);
            RunContext.Of(log, crash.Summary.RunId, crash.Summary.WorkerIncarnation, crash.Summary.Step).Information("Crash report {Path}", path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            RunContext.Of(log, crash.Summary.RunId, crash.Summary.WorkerIncarnation, crash.Summary.Step).Error("The crash report cannot be written ({Reason}); its summary is in the journal", error.Message);
            ledger.Write(new Alert { Code = "report_failed", Text = $"the crash report cannot be written: {error.Message}" });
        }
    }

    /// <summary>At start-up: every run whose last worker left no clean end and has no report. Worker and supervisor died together.</summary>
    public void InvestigateForgotten()
    {
        var runs = RunFolder.RunsOf(trainer.Data);
        if (!Directory.Exists(runs)) return;
        foreach (var folder in Directory.EnumerateDirectories(runs).Order(StringComparer.Ordinal).Select(path => new RunFolder(path)))
        {
            try
            {
                InvestigateForgotten(folder);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or UserError)
            {
                RunContext.Of(log, folder.RunId).Warning("The run cannot be looked at: {Reason}", error.Message);
            }
        }
    }

    void InvestigateForgotten(RunFolder folder)
    {
        if (RecorderReader.Read(folder.Recorder) is not { CleanEnd: false } recorder) return;
        if (CrashScene.HasReport(folder, recorder.Incarnation) || RunLock.IsHeld(folder.Lock)) return; // held: a foreground `train`, alive
        var recent = RecentRecords.OfDead(folder);
        if (RecentRecords.Exits(folder).Any(exit => exit.WorkerIncarnation == recorder.Incarnation && exit.Crash is null)) return; // seen, and no crash
        var scene = new CrashScene
        {
            Folder = folder,
            DaemonLogs = trainer.Logs,
            WorkerIncarnation = recorder.Incarnation,
            Time = recorder.Heartbeat,
            Recorder = recorder,
            RecorderBytes = File.ReadAllBytes(folder.Recorder),
            ErrorTail = TailOf(folder.WorkerLog(recorder.Incarnation)),
            Recent = recent,
        };
        var crash = CrashInvestigator.Investigate(scene, _ => new CodedText("found_at_start",
            "found when the daemon started; it goes on from the last checkpoint if it is to run"));
        using (var journal = SupervisorJournal.Open(folder.Journal, folder.RunId, time))
            journal.Write(new WorkerExited { ExitCode = null, Signal = null, WorkerIncarnation = recorder.Incarnation, Crash = crash.Summary });
        // Nobody saw how: it counts, but not as the same step once more.
        DeathLog.Write(folder, [.. DeathLog.Read(folder, log), new Death(recorder.Heartbeat, null, null)], log);
        RunContext.Of(log, folder.RunId, recorder.Incarnation, crash.Summary.Step).Warning("The run has died unseen: {Message}", crash.Summary.Message);
        Archive(crash);
    }

    static IReadOnlyList<string> TailOf(string path)
    {
        const int lines = 500;
        return File.Exists(path) ? [.. File.ReadLines(path).TakeLast(lines)] : [];
    }
}
