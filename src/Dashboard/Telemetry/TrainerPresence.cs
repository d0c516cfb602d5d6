using System.Collections.Concurrent;
using Mcn.Web.Shared.Link;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>How sure one may be that something is as it was last said.</summary>
public enum Freshness
{
    /// <summary>Heard within three of its periods.</summary>
    Fresh,

    /// <summary>Overdue: the value stands, with its age.</summary>
    Late,

    /// <summary>Nothing is known any more.</summary>
    Gone,
}

/// <summary>A trainer that has been heard since this program started.</summary>
/// <param name="Connection">Null when its connection has ended.</param>
public sealed record Trainer(string Id, string Name, string Version, string? Connection, DateTimeOffset LastHeard, Heartbeat? Beat);

/// <summary>Which trainers are there, and since when one is silent. Silence is not death: it never changes a run's state.</summary>
public sealed class TrainerPresence(TimeProvider time)
{
    /// <summary>Trainers beat every five seconds.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(15);

    public static readonly TimeSpan LateFor = TimeSpan.FromSeconds(60);

    /// <summary>More than a lab has: only a faulty client would come with ever new names.</summary>
    const int Most = 256;

    readonly ConcurrentDictionary<string, Trainer> trainers = new(StringComparer.Ordinal);

    public Viewers Viewers { get; } = new(time);

    /// <summary>A trainer has come, or come back; on its connection's thread.</summary>
    public event Action? Arrival;

    public IReadOnlyList<Trainer> All => [.. trainers.Values.OrderBy(trainer => trainer.Name, StringComparer.Ordinal)];

    public Trainer? Find(string trainer) => trainers.GetValueOrDefault(trainer);

    /// <summary>The trainer that has this run loaded, or else the one that introduced it.</summary>
    public Trainer? Of(RunView run) => trainers.Values.FirstOrDefault(trainer => trainer.Connection is not null && trainer.Beat?.RunId == run.Run.RunId) ?? Find(run.Trainer);

    public Freshness FreshnessOf(Trainer? trainer)
    {
        if (trainer?.Connection is null) return Freshness.Gone;
        return Of(time.GetUtcNow() - trainer.LastHeard);
    }

    public static Freshness Of(TimeSpan age) => age <= FreshFor ? Freshness.Fresh : age <= LateFor ? Freshness.Late : Freshness.Gone;

    internal bool Arrived(Hello hello, string connection)
    {
        if (trainers.Count >= Most && !trainers.ContainsKey(hello.TrainerId)) return false;
        trainers[hello.TrainerId] = new Trainer(hello.TrainerId, hello.Name, hello.ProgramVersion, connection, time.GetUtcNow(), null);
        Viewers.Poke();
        Arrival?.Invoke();
        return true;
    }

    internal void Heard(string trainer, Heartbeat? beat = null)
    {
        if (!trainers.TryGetValue(trainer, out var known)) return;
        trainers[trainer] = known with { LastHeard = time.GetUtcNow(), Beat = beat ?? known.Beat };
        if (beat is not null) Viewers.Poke();
    }

    internal void Left(string trainer, string connection)
    {
        // It may be back already on another connection.
        if (!trainers.TryGetValue(trainer, out var known) || known.Connection != connection) return;
        trainers[trainer] = known with { Connection = null };
        Viewers.Poke();
    }
}
