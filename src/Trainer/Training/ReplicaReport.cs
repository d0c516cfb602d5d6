using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The replicas' part of a reported step: graphs held, clusters, and how unevenly the replicas work. Called by the training thread at the
/// metric cadence; reads what is there, waits for nothing.
/// </summary>
sealed class ReplicaReport(ReplicaTeam team)
{
    IReadOnlyList<TimeSpan> last = team.Waited;

    /// <param name="seconds">Time of the steps since the last report.</param>
    public void AddTo(Dictionary<string, double> values, double seconds)
    {
        void Add(string name, double? value)
        {
            if (value is { } number) values[name] = number;
        }

        Add(MetricCatalog.MicroBatch, team.ClipsHeld);
        Add(MetricCatalog.StepsRedone, team.Redone);
        Add(MetricCatalog.KMeansIterations, team.Clusters?.LastFit?.Iterations);
        Add(MetricCatalog.KMeansEmptyClusters, team.Clusters?.LastFit?.EmptyClusters);
        Add(MetricCatalog.KMeansSplits, team.Clusters?.LastFit?.Splits);
        Add(MetricCatalog.KMeansEntropy, team.Clusters?.LastFit?.Entropy);
        Add(MetricCatalog.KMeansChurn, team.Clusters?.LastFit?.Churn);
        if (team.Clusters?.Queue is { } queue) Add(MetricCatalog.KMeansQueue, (double)queue.Filled / queue.Steps);
        var now = team.Waited;
        for (var rank = 0; rank < now.Count && now.Count > 1; rank++)
            Add(MetricCatalog.Of(MetricCatalog.RankWait, rank), Math.Min(1, (now[rank] - last[rank]).TotalSeconds / Math.Max(seconds, 1e-9)));
        last = now;
    }
}
