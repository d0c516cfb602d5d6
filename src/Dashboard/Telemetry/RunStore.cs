using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// What trainers sent, on disk. Takes each (run, incarnation, stream, sequence) once and answers after the commit; what it
/// took then goes, in the same order, to whoever shows runs (<see cref="RunCatalog"/>).
/// </summary>
public sealed class RunStore(Database database, RunCatalog catalog, ILogger<RunStore> log)
{
    /// <summary>Largest bundle and record that are taken; the trainer cuts its bundles far below.</summary>
    public const int MaxRecords = 20_000;

    public const int MaxRecordBytes = 1 << 20;

    /// <summary>How far each stream is committed.</summary>
    public IReadOnlyList<StreamCursor> Cursors(string? trainer = null) => database.Read(connection => connection.Rows(
        "SELECT c.run, c.incarnation, c.stream, c.sequence FROM cursors c JOIN runs r ON r.run = c.run WHERE $trainer IS NULL OR r.trainer = $trainer",
        row => new StreamCursor(row.GetString(0), row.GetInt32(1), row.GetString(2), row.GetInt64(3)), ("$trainer", trainer)));

    public Task IntroduceAsync(RunIntroduction run, string trainer) => database.WriteAsync(
        connection => connection.Run(
            """
            INSERT INTO runs(run, name, created, config, environment, trainer, parent, parent_step) VALUES($run, $name, $created, $config, $environment, $trainer, $parent, $parentStep)
            ON CONFLICT(run) DO UPDATE SET name = $name, config = $config, environment = $environment, trainer = $trainer
            """,
            ("$run", run.RunId), ("$name", run.Name), ("$created", run.Created.Seconds()), ("$config", run.ConfigJson),
            ("$environment", run.EnvironmentJson), ("$trainer", trainer), ("$parent", run.Parent?.RunId), ("$parentStep", run.Parent?.Step)),
        _ => catalog.Introduced(run, trainer));

    /// <returns>
    /// The last committed sequence of the stream. A bundle that begins behind a gap is not taken: the answer then is where
    /// the sender has to go on.
    /// </returns>
    /// <exception cref="ArgumentException">The bundle is malformed or of a run that nobody introduced.</exception>
    public async Task<long> StoreAsync(TelemetryBundle bundle)
    {
        Check(bundle);
        // Read on the caller's thread: the writer's is the one that everybody waits for.
        var read = bundle.Records.Select((json, i) => StoredRecord.Read(new RecordId(bundle.Run, bundle.Incarnation, bundle.Stream, bundle.FirstSequence + i), json)).ToArray();
        var taken = await database.WriteAsync(connection => Take(connection, bundle, read), taken => catalog.Apply(bundle.Run, taken.Records));
        foreach (var record in taken.Records) Tell(record);
        return taken.Cursor;
    }

    /// <summary>The turns of a run, in the log of this program too: it may be the only one that is kept.</summary>
    void Tell(StoredRecord record)
    {
        if (record.Record is not (RunStateChanged or WorkerExited { Crash: not null })) return;
        var (state, crash) = (record.Record as RunStateChanged, (record.Record as WorkerExited)?.Crash);
        using var place = LogPlace.Enter(record.Id.Run, crash?.WorkerIncarnation ?? (record.Id.Stream == "worker" ? record.Id.Incarnation : null), crash?.Step ?? state?.Step);
        if (crash is not null) log.LogWarning("Run crashed: {Message}", crash.Message);
        else log.LogInformation("Run is {State}", state!.State);
    }

    static void Check(TelemetryBundle bundle)
    {
        if (bundle.Records.Length > MaxRecords) throw new ArgumentException($"a bundle of {bundle.Records.Length} records; at most {MaxRecords}");
        if (bundle.FirstSequence < 1 || bundle.Incarnation < 1) throw new ArgumentException("sequences and incarnations count from 1");
        if (Array.Find(bundle.Records, record => record.Length > MaxRecordBytes) is { } large)
            throw new ArgumentException($"a record of {large.Length} bytes; at most {MaxRecordBytes}");
    }

    static Taken Take(SqliteConnection connection, TelemetryBundle bundle, StoredRecord[] read)
    {
        (string, object?)[] stream = [("$run", bundle.Run), ("$incarnation", bundle.Incarnation), ("$stream", bundle.Stream)];
        if (connection.Number("SELECT count(*) FROM runs WHERE run = $run", ("$run", bundle.Run)) == 0)
            throw new ArgumentException($"run {bundle.Run}: not introduced on this dashboard");

        var cursor = connection.Number("SELECT sequence FROM cursors WHERE run = $run AND incarnation = $incarnation AND stream = $stream", stream);
        var known = cursor - bundle.FirstSequence + 1;
        if (known < 0 || known >= bundle.Records.Length) return new Taken(cursor, []);

        var records = read[(int)known..];
        cursor = bundle.FirstSequence + bundle.Records.Length - 1;
        connection.Run(
            """
            INSERT INTO cursors VALUES($run, $incarnation, $stream, $sequence)
            ON CONFLICT(run, incarnation, stream) DO UPDATE SET sequence = $sequence
            """, [.. stream, ("$sequence", cursor)]);
        WritePoints(connection, bundle, records);
        foreach (var record in records.Where(record => record.IsEvent)) WriteEvent(connection, record);
        foreach (var record in records.GroupBy(record => record.Kind).Select(kind => kind.MaxBy(record => record.Time)!))
        {
            // Streams come independently: a late one must not bring back an old state.
            connection.Run(
                """
                INSERT INTO newest VALUES($run, $kind, $time, $json)
                ON CONFLICT(run, kind) DO UPDATE SET time = $time, json = $json WHERE $time >= time
                """,
                ("$run", bundle.Run), ("$kind", record.Kind), ("$time", record.Time.Seconds()), ("$json", record.Json));
        }

        foreach (var started in records.Select(record => record.Record).OfType<RunStarted>())
            Incarnations.Began(connection, bundle.Run, bundle.Incarnation, started.FromStep);
        return new Taken(cursor, records);
    }

    static void WritePoints(SqliteConnection connection, TelemetryBundle bundle, StoredRecord[] records)
    {
        var series = new Dictionary<string, List<Point>>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (record.Record is null || MachineMetrics.Of(record.Record) is not { } numbers) continue;
            var time = record.Record.Time.Seconds();
            foreach (var (metric, value) in numbers.Values)
                (CollectionsMarshal.GetValueRefOrAddDefault(series, metric, out _) ??= []).Add(new Point(time, numbers.Step, value));
        }

        foreach (var (metric, points) in series)
            PointStore.Append(connection, bundle.Run, bundle.Incarnation, metric, CollectionsMarshal.AsSpan(points));
    }

    static void WriteEvent(SqliteConnection connection, StoredRecord record) => connection.Run(
        "INSERT INTO events VALUES($run, $time, $incarnation, $stream, $sequence, $kind, $json)",
        ("$run", record.Id.Run), ("$time", record.Time.Seconds()), ("$incarnation", record.Id.Incarnation), ("$stream", record.Id.Stream),
        ("$sequence", record.Id.Sequence), ("$kind", record.Kind), ("$json", record.Json));

    sealed record Taken(long Cursor, IReadOnlyList<StoredRecord> Records);
}

/// <summary>A record as it came, and as it was understood.</summary>
/// <param name="Record">Null when a newer trainer wrote something that this program does not know: kept as it is, not shown.</param>
public sealed record StoredRecord(RecordId Id, string Kind, byte[] Json, TelemetryRecord? Record)
{
    public const string Unknown = "unknown";

    public DateTimeOffset Time => Record?.Time ?? DateTimeOffset.UnixEpoch;

    /// <summary>Numeric samples become points, unless they carry something that points cannot.</summary>
    public bool IsEvent => Record switch
    {
        StepMetrics or HostSample => false,
        GpuSample sample => sample.Gpus.Any(gpu => gpu.Xids.Count > 0),
        _ => true,
    };

    public static StoredRecord Read(RecordId id, byte[] json)
    {
        TelemetryRecord? record;
        try
        {
            record = JsonSerializer.Deserialize(json, McnJson.Default.TelemetryRecord);
        }
        catch (Exception error) when (error is JsonException or NotSupportedException)
        {
            // One record of an unknown kind must not stop the stream behind it.
            return new StoredRecord(id, Unknown, json, null);
        }

        // The bundle's word counts: it is what the cursor goes by.
        return record is null ? new StoredRecord(id, Unknown, json, null) : new StoredRecord(id, KindOf(record), json, record with { Id = id });
    }

    static string KindOf(TelemetryRecord record) => record switch
    {
        RunStarted => "run_started",
        StepMetrics => "step",
        EvaluationFinished => "evaluation",
        CheckpointWritten => "checkpoint",
        ResumeProven => "resume",
        Alert => "alert",
        RunEnded => "run_ended",
        RunStateChanged => "run_state",
        WorkerExited => "worker_exited",
        CommandHandled => "command",
        CommandEnded => "command_ended",
        KnobChanged => "knob",
        CheckpointPinned => "checkpoint_pinned",
        GpuSample => "gpu",
        HostSample => "host",
        LogLine => "log",
        _ => Unknown,
    };
}
