using System.Collections.Concurrent;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// Runs for the pages: the list from the store, single runs in memory while somebody looks at them or they live. A run is
/// loaded when it is first asked for; at most <see cref="InMemory"/> stay.
/// </summary>
public sealed class RunCatalog(Database database, TimeProvider time)
{
    const int InMemory = 12;

    readonly ConcurrentDictionary<string, Slot> slots = new(StringComparer.Ordinal);

    /// <summary>Told when a run is new or one has changed; for lists and for "the newest run".</summary>
    public Viewers Viewers { get; } = new(time);

    /// <summary>The run, loaded if need be; null when the store does not know it.</summary>
    public RunProjection? Find(string run)
    {
        var slot = slots.GetOrAdd(run, _ => new Slot());
        // Whoever applies records to this run waits here, and then knows which of them were read.
        lock (slot)
        {
            slot.Used = time.GetTimestamp();
            slot.Projection ??= database.Read(connection => Load(connection, run));
            if (slot.Projection is null) slots.TryRemove(run, out _);
        }

        Forget();
        return slot.Projection;
    }

    /// <summary>Every run, newest first.</summary>
    public IReadOnlyList<RunSummary> List() => database.Read(connection =>
    {
        var newest = connection.Rows("SELECT run, kind, json FROM newest WHERE kind IN ('run_started', 'step', 'run_state', 'checkpoint', 'worker_exited', 'run_ended')",
            row => (Run: row.GetString(0), StoredRecord.Read(new RecordId(row.GetString(0), 0, "", 0), (byte[])row.GetValue(2)).Record)).ToLookup(row => row.Run, row => row.Record);
        var best = connection.Rows("SELECT run, json FROM events WHERE kind = 'evaluation'",
            row => (Run: row.GetString(0), StoredRecord.Read(new RecordId(row.GetString(0), 0, "", 0), (byte[])row.GetValue(1)).Record as EvaluationFinished)).ToLookup(row => row.Run, row => row.Item2);
        return connection.Rows("SELECT run, name, created FROM runs WHERE run NOT LIKE 'machine-%' ORDER BY created DESC, run DESC", row => new RunSummary(
            row.GetString(0), row.GetString(1), row.Time(2), [.. newest[row.GetString(0)].OfType<TelemetryRecord>()],
            best[row.GetString(0)].SelectMany(evaluation => evaluation?.Rows ?? []).Select(line => (double?)line.R10).Max()));
    });

    /// <summary>Id of the run that was introduced last; null before the first.</summary>
    public string? NewestRun() => database.Read(connection =>
        connection.Rows("SELECT run FROM runs WHERE run NOT LIKE 'machine-%' ORDER BY created DESC, run DESC LIMIT 1", row => row.GetString(0)).FirstOrDefault());

    internal void Introduced(RunIntroduction run, string trainer)
    {
        if (slots.TryGetValue(run.RunId, out var slot))
        {
            lock (slot) slot.Projection?.Introduce(run, trainer);
        }

        Viewers.Poke();
    }

    /// <summary>On the writer's thread, in the order of the commits.</summary>
    internal void Apply(string run, IReadOnlyList<StoredRecord> records)
    {
        if (records.Count == 0) return;
        if (slots.TryGetValue(run, out var slot))
        {
            lock (slot) slot.Projection?.Apply(records, time.GetUtcNow());
        }

        Viewers.Poke();
    }

    RunProjection? Load(SqliteConnection connection, string run)
    {
        // One snapshot: the cursors and what lies behind them belong together.
        connection.Run("BEGIN");
        try
        {
            var found = connection.Rows("SELECT name, created, config, environment, trainer, parent, parent_step FROM runs WHERE run = $run", row => (
                Run: new RunIntroduction(run, row.GetString(0), row.Time(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3), row.IsDBNull(5) ? null : new RunParent(row.GetString(5), row.GetInt64(6))),
                Trainer: row.GetString(4)), ("$run", run));
            if (found.Count == 0) return null;
            var projection = new RunProjection(found[0].Run, found[0].Trainer, new Viewers(time));
            projection.Load(connection);
            return projection;
        }
        finally
        {
            connection.Run("COMMIT");
        }
    }

    void Forget()
    {
        if (slots.Count <= InMemory) return;
        var unseen = slots.Where(pair => pair.Value.Projection is { Viewers.Count: 0 }).OrderBy(pair => pair.Value.Used);
        foreach (var (run, _) in unseen.Take(slots.Count - InMemory)) slots.TryRemove(run, out _);
    }

    sealed class Slot
    {
        internal RunProjection? Projection { get; set; }

        internal long Used { get; set; }
    }
}

/// <summary>A line of the list of runs.</summary>
/// <param name="Newest">The newest record of each kind.</param>
public sealed record RunSummary(string RunId, string Name, DateTimeOffset Created, IReadOnlyList<TelemetryRecord> Newest, double? BestR10)
{
    public RunStateChanged? State => Newest.OfType<RunStateChanged>().FirstOrDefault();

    public RunStarted? Started => Newest.OfType<RunStarted>().FirstOrDefault();

    public StepMetrics? Step => Newest.OfType<StepMetrics>().FirstOrDefault();

    public DateTimeOffset? LastHeard => Newest.Count > 0 ? Newest.Max(record => record.Time) : null;
}
