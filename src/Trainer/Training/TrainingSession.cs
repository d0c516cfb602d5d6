using System.Runtime.ExceptionServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One incarnation of a run: holds its lock, opens its data, trains on the thread `rank 0`, and meanwhile takes the records to the
/// journal and to whoever watches, on the caller's thread.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    readonly RunConfig config;
    readonly RunFolder folder;
    readonly TimeProvider time;
    readonly FileStream runLock;
    readonly RunIdentity identity;
    readonly FlightRecorder recorder;
    readonly TrainingData data;
    readonly SnapshotMemory memory;
    readonly int? diedBefore;
    string? links;
    IReadOnlyList<string?> boards = [];
    readonly string configSha256;
    readonly IReadOnlyDictionary<string, string> deciding;

    // The recorder comes before the data: a process that dies while it opens them leaves a trace too.
    TrainingSession(RunConfig config, RunFolder folder, TimeProvider time, FileStream runLock, SnapshotMemory memory)
    {
        this.memory = memory;
        this.config = config;
        this.folder = folder;
        this.time = time;
        this.runLock = runLock;
        configSha256 = RunConfigFile.Sha256(config);
        TorchDevices.Open(config);
        deciding = RunEnvironment.Deciding(config);
        var last = RunCatalog.Read(folder);
        diedBefore = RecorderReader.Read(folder.Recorder) is { CleanEnd: false } dead ? dead.Incarnation : null;
        identity = last with { Incarnation = last.Incarnation + 1 };
        RunCatalog.Write(folder, identity);
        recorder = FlightRecorder.Create(folder.Recorder, identity.RunId, identity.Incarnation, [.. config.Devices.Select(GradientExchange.Name)], time);
        try
        {
            recorder.Lanes[0].Mark(RecorderPhase.Setup);
            data = TrainingData.Open(config, last.ReadMode);
            if (last.ReadMode is null && data.Reading is { } reading) RunCatalog.Write(folder, identity = identity with { ReadMode = reading.Mode });
            RunEnvironment.Write(folder, identity, config, time);
        }
        catch (Exception error)
        {
            Leave(error);
            recorder.Dispose();
            throw;
        }
    }

    /// <summary>Takes the run; nothing is trained yet.</summary>
    /// <param name="memory">For snapshots; the caller's. Null: this process's own.</param>
    /// <param name="links">What the replicas reach each other's memory through, in words; only told.</param>
    /// <param name="boards">Uuid of each rank's board, as far as known; only told.</param>
    /// <exception cref="UserError">Another process holds it (exit code 3), or its input is bad.</exception>
    public static TrainingSession Open(RunConfig config, RunFolder folder, TimeProvider time, SnapshotMemory? memory = null, string? links = null,
        IReadOnlyList<string?>? boards = null)
    {
        var runLock = Lock(folder);
        try
        {
            return new TrainingSession(config, folder, time, runLock, memory ?? SnapshotMemory.Own()) { links = links, boards = boards ?? [] };
        }
        catch
        {
            runLock.Dispose();
            throw;
        }
    }

    /// <summary>Trains from the newest checkpoint on.</summary>
    /// <param name="stepLimit">Leave once so many steps are done in all; null: no limit.</param>
    /// <param name="watch">Called with each record, on the caller's thread, after the journal has it.</param>
    /// <returns>`finished`, `interrupted` or `step_limit`.</returns>
    public string Run(long? stepLimit, RunControl control, Action<TelemetryRecord> watch)
    {
        using var outlet = new TelemetryOutlet(identity.RunId, identity.Incarnation, "worker", time);
        using var journal = new JournalWriter(folder.JournalOf("worker", identity.Incarnation));
        var reason = "failed";
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                reason = Train(stepLimit, control, outlet);
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }
            finally
            {
                outlet.Complete();
            }
        })
        { Name = "rank 0" };
        thread.Start();
        try
        {
            foreach (var record in outlet.Take())
            {
                journal.Append(record);
                outlet.Journaled(record.Id!.Sequence);
                watch(record);
            }
        }
        catch
        {
            control.RequestStop(); // nobody can be told any more: save and leave
            thread.Join();
            if (failure is not null) Leave(failure.SourceException);
            throw;
        }

        thread.Join();
        Flush(journal, outlet.Sequence, watch);
        Leave(failure?.SourceException);
        failure?.Throw();
        return reason;
    }

    /// <summary>The records are with the kernel already; a disk that refuses is told of, and no reason to call a run that ended in order dead.</summary>
    void Flush(JournalWriter journal, long last, Action<TelemetryRecord> watch)
    {
        try
        {
            journal.Flush();
        }
        catch (IOException error)
        {
            var alert = new Alert
            {
                Id = new RecordId(identity.RunId, identity.Incarnation, "worker", last + 1), Time = time.GetUtcNow(), Code = "journal_unflushed",
                Text = $"{error.Message}; a power cut may cost the newest records",
            };
            journal.Append(alert);
            watch(alert);
        }
    }

    /// <summary>
    /// The end as the recorder shall tell it. What a user can mend is an end in order, said in its own line; anything else leaves its
    /// text and no clean end, so that it is investigated, whoever notices.
    /// </summary>
    void Leave(Exception? error)
    {
        if (error is not null) recorder.LastWords(error is UserError or RunConfigException ? error.Message : error.ToString());
        if (error is null or UserError or RunConfigException) recorder.MarkCleanEnd();
    }

    string Train(long? stepLimit, RunControl control, TelemetryOutlet outlet)
    {
        var began = time.GetTimestamp();
        var lane = recorder.Lanes[0];
        using var team = new ReplicaTeam(config, data.Vocabulary.Vectors, DrawInitialRows, recorder.Lanes, GradientExchange.PatienceFromEnvironment());
        var store = new CheckpointStore(folder, config.Checkpoint, time);
        var resumed = ResumePoint.Find(store, memory, team, Describe(), text => outlet.Write(new Alert { Code = "checkpoint_damaged", Text = text }));
        if (identity.Parent is { } parent && resumed.Manifest is null) throw RunBranch.Lost(folder, parent);
        if (diedBefore is { } worker) resumed.MarkBeforeCrash(worker);
        var position = resumed.Position;
        lane.Step = position.Step;
        var knobs = LiveKnobs.Open(folder, config, resumed.Manifest, time);
        using var checkpoints = new CheckpointDuty(team, store, memory, outlet, lane, resumed, Describe, knobs);
        var evaluation = new EpochEvaluation(config, data, team, outlet);
        var loop = new TrainingLoop(config, data, team, checkpoints, evaluation, outlet, lane, control, knobs);
        if (position == TrainingPosition.Start && Pretraining.Apply(config.Model, team.Lead.Network) is { } left) outlet.Write(left);
        outlet.Write(Started(team, loop, position, knobs) with { Checkpoints = store.Kept() });
        try
        {
            position = loop.Run(position, stepLimit);
            checkpoints.Finish(); // what is under way is told before the end is
        }
        catch (Exception error)
        {
            outlet.Write(new Alert { Code = "run_failed", Text = InOneLine(error) });
            outlet.Write(Ended("failed", loop, lane.Step, began, outlet));
            throw;
        }

        var finished = position.Step == loop.TotalSteps && !position.EpochEndIsDue;
        if (finished) RunCatalog.Write(folder, identity with { Finished = true });
        var reason = finished ? "finished" : control.StopRequested ? "interrupted" : "step_limit";
        foreach (var warning in data.Counters.Warnings()) outlet.Write(new Alert { Code = "data_padded", Text = warning });
        outlet.Write(Ended(reason, loop, position.Step, began, outlet));
        return reason;
    }

    /// <summary>A checkpoint's manifest as far as the process decides it.</summary>
    CheckpointManifest Describe() => new()
    {
        FormatVersion = ProtocolVersion.Checkpoint,
        RunId = identity.RunId,
        Incarnation = identity.Incarnation,
        Time = time.GetUtcNow(),
        Step = 0,
        Epoch = 0,
        StepInEpoch = 0,
        EpochsClosed = 0,
        AdamSteps = 0,
        QueueHead = null,
        QueueFilled = null,
        Dataset = data.Fingerprint,
        ConfigSha256 = configSha256,
        Seed = config.Seed,
        Environment = deciding,
        Files = [],
    };

    RunStarted Started(ReplicaTeam team, TrainingLoop loop, TrainingPosition position, LiveKnobs knobs) => new()
    {
        Name = config.Name,
        FromStep = position.Step,
        TotalSteps = loop.TotalSteps,
        Knobs = knobs.At(position.Step),
        StepsPerEpoch = data.Plan.StepsPerEpoch,
        Epochs = config.Optimizer.Epochs,
        ClipsPerStep = config.ClipsPerStep,
        Parameters = team.Lead.Network.parameters().Sum(parameter => parameter.NumberOfElements),
        Device = string.Join(", ", config.Devices.GroupBy(device => device).Select(alike => alike.Count() == 1 ? alike.Key : $"{alike.Key} x {alike.Count()}")),
        Batch = BatchAlgebra.Split(config),
        Precision = Precision.Describe(config),
        Compatibility = RunConfigFile.Switches(config),
        Links = links,
        Boards = boards,
        Shards = data.Reading,
    };

    /// <summary>Where in the program it happened is for the log and the recorder's last words.</summary>
    static string InOneLine(Exception error) =>
        error is UserError ? error.Message : $"{(error is RankFailedException ? "" : error.GetType().Name + ": ")}{error.Message.Split('\n')[0].Trim()}";

    RunEnded Ended(string reason, TrainingLoop loop, long step, long began, TelemetryOutlet outlet) => new()
    {
        Reason = reason,
        Step = step,
        DurationSeconds = time.GetElapsedTime(began).TotalSeconds,
        MedianStepSeconds = loop.MedianStep.TotalSeconds,
        PeakMemoryBytes = RunEnvironment.PeakMemoryBytes(),
        DroppedRecords = outlet.Dropped,
    };

    long[] DrawInitialRows(int rows, int clusters, int epoch, int stepInEpoch) =>
        [.. new CounterRandom(config.Seed, RandomPurpose.KMeans, epoch, stepInEpoch).Permutation(rows).Take(clusters).Select(row => (long)row)];

    static FileStream Lock(RunFolder folder)
    {
        try
        {
            return new FileStream(folder.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (error is not FileNotFoundException and not DirectoryNotFoundException)
        {
            throw new UserError(folder.Path, "another process trains this run", "one process a run", "Stop it first, or start a new run with --new",
                ExitCodes.Refused, error);
        }
    }

    public void Dispose()
    {
        recorder.Dispose();
        runLock.Dispose();
    }
}
