using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// One run in memory, as its records tell it: read once from the store, then record by record. The order of one stream is
/// kept; between streams the time of a record decides what is newest.
/// </summary>
public sealed class RunProjection
{
    const int EventsKept = 300;
    const int LogsKept = 300;
    const int EvaluationsKept = 200;
    const int Durations = 31;

    /// <summary>The stream of the training process; each process has an incarnation of its own.</summary>
    const string Worker = "worker";

    readonly Lock gate = new();
    readonly Dictionary<(int Incarnation, string Stream), long> taken = [];
    readonly SortedDictionary<int, long> fromSteps = [];
    readonly Dictionary<string, Track> tracks = new(StringComparer.Ordinal)
    {
        ["step"] = new Track(), ["gpu"] = new Track(), ["host"] = new Track(),
    };

    readonly Queue<double> durations = new();
    readonly Queue<TelemetryRecord> events = new();
    readonly Queue<LogLine> logs = new();
    Dictionary<int, long> overtaken = [];
    RunView view;
    bool listsChanged;

    public RunProjection(RunIntroduction run, string trainer, Viewers viewers)
    {
        Viewers = viewers;
        view = new RunView { Run = run, Trainer = trainer };
    }

    public Viewers Viewers { get; }

    /// <summary>The run as it is now.</summary>
    public RunView View
    {
        get
        {
            lock (gate)
            {
                if (listsChanged) view = view with { Events = [.. events], Logs = [.. logs] };
                listsChanged = false;
                return view;
            }
        }
    }

    /// <summary>Reads the curves of a group; nothing changes meanwhile.</summary>
    /// <param name="read">Gets the track and, by incarnation, the step after which its points are overtaken.</param>
    public T Read<T>(string group, Func<Track, IReadOnlyDictionary<int, long>, T> read)
    {
        lock (gate) return read(tracks[group], overtaken);
    }

    public void Introduce(RunIntroduction run, string trainer)
    {
        lock (gate) view = view with { Run = run, Trainer = trainer };
        Viewers.Poke();
    }

    /// <summary>Takes what the store has just committed; what it had read already is left out.</summary>
    public void Apply(IReadOnlyList<StoredRecord> records, DateTimeOffset received)
    {
        lock (gate)
        {
            foreach (var stored in records)
            {
                var stream = (stored.Id.Incarnation, stored.Id.Stream);
                if (taken.TryGetValue(stream, out var sequence) && stored.Id.Sequence <= sequence) continue;
                taken[stream] = stored.Id.Sequence;
                if (stored.Record is not { } record) continue;
                if (MachineMetrics.Of(record) is { } numbers)
                {
                    var metrics = numbers.Values.ToList();
                    if (metrics.Count > 0)
                        tracks[MachineMetrics.GroupOf(metrics[0].Metric)].Append(record.Time.Seconds(), numbers.Step, stored.Id.Incarnation, metrics);
                }

                Take(record);
            }

            view = view with { Received = received };
        }

        Viewers.Poke();
    }

    /// <summary>Reads what the store has. The caller holds back everything else until it is done.</summary>
    internal void Load(SqliteConnection connection)
    {
        var run = view.Run.RunId;
        foreach (var cursor in connection.Rows("SELECT incarnation, stream, sequence FROM cursors WHERE run = $run",
            row => (row.GetInt32(0), row.GetString(1), row.GetInt64(2)), ("$run", run)))
            taken[(cursor.Item1, cursor.Item2)] = cursor.Item3;
        foreach (var ancestor in Ancestry.Of(connection, view.Run)) Inherit(connection, ancestor);
        foreach (var record in StoredEvents.Read(connection, run, LogsKept)) Take(record);
        TrackLoader.Load(connection, run, tracks);
    }

    /// <summary>What a branch shows of the run that it came from: curves and evaluations up to the step where they part.</summary>
    void Inherit(SqliteConnection connection, Ancestor ancestor)
    {
        foreach (var (incarnation, fromStep) in Incarnations.Began(connection, ancestor.Run)) fromSteps[ancestor.Number(incarnation)] = fromStep;
        TrackLoader.Load(connection, ancestor, tracks["step"]);
        var evaluations = StoredEvents.OfKind(connection, ancestor.Run, "evaluation", EvaluationsKept).OfType<EvaluationFinished>().Where(one => one.Step <= ancestor.UpToStep);
        view = view with { Evaluations = [.. view.Evaluations.Concat(evaluations.OrderBy(one => one.Time)).TakeLast(EvaluationsKept)] };
    }

    void Take(TelemetryRecord record)
    {
        switch (record)
        {
            case StepMetrics step when step.Time >= (view.Newest?.Time ?? default):
                if (step.Values.TryGetValue(MetricCatalog.StepDuration, out var seconds) && double.IsFinite(seconds)) Remember(durations, seconds, Durations);
                view = view with { Newest = step, SecondsPerStep = durations.Count > 1 ? durations.Order().ElementAt(durations.Count / 2) : null };
                return;
            case GpuSample sample when sample.Time >= (view.Gpus?.Time ?? default):
                view = view with { Gpus = sample };
                return;
            case HostSample sample when sample.Time >= (view.Host?.Time ?? default):
                view = view with { Host = sample };
                return;
            case StepMetrics or GpuSample or HostSample:
                return;
            case LogLine line:
                Remember(logs, line, LogsKept);
                listsChanged = true;
                return;
        }

        Remember(events, record, EventsKept);
        listsChanged = true;
        view = view with { Checkpoints = view.Checkpoints.With(record) };
        view = record switch
        {
            RunStarted started => Began(started),
            RunStateChanged state when state.Time >= (view.State?.Time ?? default) => view with { State = state },
            EvaluationFinished evaluation => view with { Evaluations = Last(view.Evaluations, evaluation, EvaluationsKept) },
            CheckpointWritten checkpoint when checkpoint.Time >= (view.Checkpoint?.Time ?? default) => view with { Checkpoint = checkpoint },
            KnobChanged turned => view with { Knobs = [.. view.Knobs.Select(knob => knob.Name == turned.Name ? knob with { Value = turned.Value } : knob)] },
            Alert alert => view with { Alerts = Last(view.Alerts, alert, EventsKept) },
            WorkerExited { Crash: { } crash } => view with { Crashes = Last(view.Crashes, crash, EventsKept) },
            RunEnded ended => view with { Ended = ended },
            _ => view,
        };
    }

    RunView Began(RunStarted started)
    {
        if (started.Id is { } id)
        {
            fromSteps[id.Incarnation] = started.FromStep;
            overtaken = Incarnations.Overtaken(fromSteps);
            if (fromSteps.Count > 1) tracks["step"].Invalidate();
        }

        durations.Clear();
        // Steps that were gone back over are no longer where the run is.
        var newest = view.Newest is { } step && step.Step > started.FromStep ? null : view.Newest;
        // What the process before had to say of itself stands no more; the supervisor takes its own alerts back by itself.
        IReadOnlyList<Alert> alerts = [.. view.Alerts.Where(alert => alert.Id is not { Stream: Worker } told || told.Incarnation >= started.Id?.Incarnation)];
        return started.Time >= (view.Started?.Time ?? default) ? view with { Started = started, Newest = newest, Ended = null, Knobs = started.Knobs, Alerts = alerts } : view;
    }

    static void Remember<T>(Queue<T> queue, T item, int kept)
    {
        queue.Enqueue(item);
        if (queue.Count > kept) queue.Dequeue();
    }

    static IReadOnlyList<T> Last<T>(IReadOnlyList<T> list, T item, int kept) => [.. list.Skip(Math.Max(0, list.Count + 1 - kept)), item];
}
