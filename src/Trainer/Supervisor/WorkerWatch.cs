using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// One worker from its start to its end: reads its recorder and its journal, ends it when it hangs or when the daemon leaves. Its loop
/// runs on the keeper's task; lines arrive on the worker's reading threads.
/// </summary>
public sealed class WorkerWatch : IDisposable
{
    const int LinesPerSecond = 50;
    static readonly TimeSpan RecorderEvery = TimeSpan.FromSeconds(1);

    readonly RunFolder folder;
    readonly SupervisorOptions options;
    readonly Ledger ledger;
    readonly ILogger log;
    readonly TimeProvider time;
    readonly Action<RunStateChanged?, long?> seen;
    readonly JournalFollower follower;
    readonly WorkerLog output;
    readonly LineBudget lines;
    readonly WorkerProcess process;
    readonly DateTimeOffset started;
    readonly long startedAt;
    readonly long? oomKillsBefore = MemoryEvents.Kills();
    DateTimeOffset lastRecorder;
    DateTimeOffset? termAt;
    DateTimeOffset? killAt;
    bool toldToLeave;

    /// <param name="seen">Told of each state that the worker confirms, and of its steps.</param>
    /// <exception cref="IOException">The worker cannot be started.</exception>
    public WorkerWatch(RunFolder folder, int incarnation, SupervisorOptions options, Ledger ledger, ILogger log, TimeProvider time, Action<RunStateChanged?, long?> seen, SnapshotFile? snapshots = null)
    {
        this.folder = folder;
        this.options = options;
        this.ledger = ledger;
        this.log = log;
        this.time = time;
        this.seen = seen;
        Incarnation = incarnation;
        (started, startedAt) = (time.GetUtcNow(), time.GetTimestamp());
        follower = new JournalFollower(folder.JournalOf("worker", incarnation));
        lines = new LineBudget(LinesPerSecond, time);
        output = new WorkerLog(folder.WorkerLog(incarnation), time);
        Environment = WorkerEnvironment.Create(snapshots);
        process = WorkerProcess.Start([.. options.WorkerCommand, "work", "--run", folder.Path], Environment, TakeLine, snapshots?.Handle);
        log.Information("Worker {Pid} started", process.ProcessId);
    }

    public int Incarnation { get; }

    public int ProcessId => process.ProcessId;

    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Set when the watch ended it for standing still.</summary>
    public Hang? Hang { get; private set; }

    /// <summary>Where the threads of a hanging worker waited.</summary>
    public string? Threads { get; private set; }

    /// <summary>Steps done, from the recorder.</summary>
    public long? Step { get; private set; }

    /// <summary>It has saved, verified that, and said that it leaves.</summary>
    public bool HasSavedToRelease { get; private set; }

    public IReadOnlyList<string> ErrorTail => process.ErrorTail;

    /// <summary>Processes killed for memory in our control group since the worker was started; null: not readable.</summary>
    public long? OutOfMemoryKills => MemoryEvents.Kills() - oomKillsBefore;

    public bool Send(RunCommand command) => process.Send(command);

    /// <summary>Until the worker is dead. Cancelled, it asks the worker to save and leave, and after the grace it makes it.</summary>
    public async Task<WorkerEnd> RunAsync(CancellationToken leave)
    {
        while (!process.Ended.IsCompleted)
        {
            if (leave.IsCancellationRequested && !toldToLeave) AskToLeave();
            Follow();
            LookAtRecorder();
            EndIfDue();
            await Task.WhenAny(process.Ended, Task.Delay(options.LookEvery, time, CancellationToken.None)).ConfigureAwait(false);
        }

        var end = await process.Ended.ConfigureAwait(false);
        Follow();
        LookAtRecorder(last: true);
        log.Information("Worker {Pid} ended: {End}", process.ProcessId, end.ToString());
        if (lines.Dropped + output.Dropped > 0) log.Warning("{Lines} lines of the worker were not journaled, {Logged} not logged", lines.Dropped, output.Dropped);
        return end;
    }

    /// <summary>The recorder of this very worker; null when it never got that far.</summary>
    public (RecorderContent? Content, byte[]? Bytes) ReadRecorder()
    {
        try
        {
            var bytes = File.ReadAllBytes(folder.Recorder);
            return RecorderReader.Parse(bytes) is { } content && content.Incarnation == Incarnation ? (content, bytes) : (null, null);
        }
        catch (IOException)
        {
            return (null, null);
        }
    }

    /// <summary>A clock that only goes on: no wait is longer or shorter because somebody sets the machine's.</summary>
    DateTimeOffset Steady => started + time.GetElapsedTime(startedAt);

    void AskToLeave()
    {
        toldToLeave = true;
        termAt = Steady + options.Grace;
        process.Send(new RunCommand("", folder.RunId, CommandVerb.Stop, null, "supervisor", time.GetUtcNow(), TimeSpan.MaxValue));
        log.Information("Worker {Pid} was asked to save and leave", process.ProcessId);
    }

    void Follow()
    {
        const int most = 1000;
        try
        {
            while (follower.Read(most, JournalFrame.MaxPayloadBytes) is { Count: > 0 } payloads)
            {
                foreach (var payload in payloads)
                {
                    var record = JsonSerializer.Deserialize(payload, McnJson.Default.TelemetryRecord)!;
                    if (record is RunStateChanged told) Told(told);
                    ledger.Hear(record);
                    if (record is Alert alert) log.Warning("{Code}: {Text}", alert.Code, alert.Text);
                }
            }
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            log.Warning("The worker's journal cannot be followed: {Reason}", error.Message);
        }
    }

    void Told(RunStateChanged told)
    {
        seen(told, told.Step);
        if (told.State != RunState.Releasing) return;
        HasSavedToRelease = true;
        termAt ??= Steady + options.ReleaseGrace;
    }

    void LookAtRecorder(bool last = false)
    {
        var now = Steady;
        if (!last && now - lastRecorder < RecorderEvery && now - lastRecorder < options.HangLimits.Floor / 2) return;
        lastRecorder = now;
        var (content, _) = ReadRecorder();
        var newest = content?.Lanes.Select(lane => lane.Last).Where(mark => mark is not null).MaxBy(mark => mark!.Time);
        if (newest is not null and not { Phase: RecorderPhase.Setup })
        {
            Step = newest.Step;
            seen(null, newest.Step);
        }

        if (last || Hang is not null || HeartbeatWatch.Judge(content, started, content?.Now() ?? now, options.HangLimits) is not { } hang) return;
        Hang = hang;
        Threads = ThreadStacks.Collect(process.ProcessId);
        log.Error("{Hang}; the worker is ended", hang.Text);
        ledger.Write(new Alert { Code = "hang", Text = hang.Text });
        termAt = now;
    }

    void EndIfDue()
    {
        var now = Steady;
        if (killAt is null && termAt <= now)
        {
            process.Signal(NativeSpawn.SigTerm);
            killAt = now + options.TermGrace;
        }
        else if (killAt <= now)
        {
            log.Warning("Worker {Pid} does not leave; it is killed", process.ProcessId);
            process.Signal(NativeSpawn.SigKill);
            killAt = DateTimeOffset.MaxValue;
        }
    }

    void TakeLine(string source, string line)
    {
        output.Write(source, line);
        if (source != "stderr" || !lines.Take()) return;
        ledger.Write(new LogLine { Source = "worker", Level = "warning", Text = line });
        log.Warning("Worker: {Line}", line);
    }

    public void Dispose()
    {
        process.Dispose();
        output.Dispose();
    }
}
