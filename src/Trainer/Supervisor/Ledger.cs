using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Where the supervisor's records go: into the loaded run's own stream, or into the machine's while there is no run to which they
/// belong. Files are begun with the first record. Any thread.
/// </summary>
public sealed class Ledger(TrainerFolder trainer, TimeProvider time) : IDisposable
{
    // Samples of an idle machine are worth days, not years.
    const long MachineFileBytes = 16 << 20;
    const int MachineFilesKept = 4;

    readonly object gate = new();
    SupervisorJournal? machine;
    SupervisorJournal? run;
    RunFolder? folder;
    long lostBefore;
    volatile bool runIsLive;

    /// <summary>The last minutes of the loaded run, the worker's records included: for a report.</summary>
    public RecentRecords Recent { get; } = new();

    /// <summary>Told of every record of the loaded run that is no sample, on the thread that has it.</summary>
    public Action<TelemetryRecord>? Heard { get; set; }

    /// <summary>A record that the worker has journaled itself.</summary>
    public void Hear(TelemetryRecord record)
    {
        Recent.Add(record);
        Heard?.Invoke(record);
    }

    /// <summary>While true, samples of the machine belong to the loaded run.</summary>
    public bool RunIsLive
    {
        get => runIsLive;
        set => runIsLive = value;
    }

    /// <summary>Records that a disk refused.</summary>
    public long Lost
    {
        get
        {
            lock (gate) return lostBefore + (machine?.Lost ?? 0) + (run?.Lost ?? 0);
        }
    }

    public void Load(RunFolder loaded)
    {
        lock (gate)
        {
            CloseRun();
            folder = loaded;
            Recent.Clear();
        }
    }

    /// <summary>Of the loaded run; of the machine without one.</summary>
    public void Write(TelemetryRecord record)
    {
        lock (gate)
        {
            if (folder is null) Machine().Write(record);
            else (run ??= SupervisorJournal.Open(folder.Journal, folder.RunId, time)).Write(record);
        }

        Hear(record with { Time = time.GetUtcNow() });
    }

    /// <summary>Samples and alerts of the machine.</summary>
    public void WriteSample(TelemetryRecord record)
    {
        if (RunIsLive)
        {
            Write(record);
            return;
        }

        lock (gate) Machine().Write(record);
    }

    SupervisorJournal Machine()
    {
        if (machine is { BytesWritten: > MachineFileBytes })
        {
            lostBefore += machine.Lost;
            machine.Dispose();
            machine = null;
        }

        if (machine is not null) return machine;
        machine = SupervisorJournal.Open(trainer.Journal, trainer.MachineRun(), time);
        foreach (var old in Directory.EnumerateFiles(trainer.Journal, "*.journal").Order(StringComparer.Ordinal).SkipLast(MachineFilesKept)) File.Delete(old);
        return machine;
    }

    void CloseRun()
    {
        lostBefore += run?.Lost ?? 0;
        run?.Dispose();
        run = null;
    }

    public void Dispose()
    {
        lock (gate)
        {
            CloseRun();
            machine?.Dispose();
            machine = null;
        }
    }
}
