using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>Reads the records of a run that are not points, oldest first, and the newest samples after them.</summary>
static class StoredEvents
{
    // A run of months: the page shows the newest of a kind anyway.
    const int PerKind = 5000;

    internal static IEnumerable<TelemetryRecord> Read(SqliteConnection connection, string run, int logLines)
    {
        var kinds = connection.Rows("SELECT DISTINCT kind FROM events WHERE run = $run", row => row.GetString(0), ("$run", run));
        var records = kinds.SelectMany(kind => OfKind(connection, run, kind, kind == "log" ? logLines : PerKind)).OrderBy(record => record.Time).ToList();
        var newest = connection.Rows("SELECT json FROM newest WHERE run = $run AND kind IN ('step', 'gpu', 'host')",
            row => StoredRecord.Read(new RecordId(run, 0, "", 0), (byte[])row.GetValue(0)).Record, ("$run", run));
        return records.Concat(newest.OfType<TelemetryRecord>());
    }

    internal static IEnumerable<TelemetryRecord> OfKind(SqliteConnection connection, string run, string kind, int most) => connection.Rows(
        "SELECT incarnation, stream, sequence, json FROM events WHERE run = $run AND kind = $kind ORDER BY time DESC LIMIT $most",
        row => StoredRecord.Read(new RecordId(run, row.GetInt32(0), row.GetString(1), row.GetInt64(2)), (byte[])row.GetValue(3)).Record,
        ("$run", run), ("$kind", kind), ("$most", most)).OfType<TelemetryRecord>();
}

/// <summary>Fills the tracks of a run from the points on disk: rows of all metrics of a group, joined by their time.</summary>
static class TrackLoader
{
    internal static void Load(SqliteConnection connection, string run, Dictionary<string, Track> tracks)
    {
        foreach (var incarnation in PointStore.Read(connection, run).GroupBy(series => series.Incarnation))
        {
            foreach (var group in incarnation.GroupBy(series => MachineMetrics.GroupOf(series.Metric)))
                Join([.. group.Select(series => (series.Metric, series.Points))], incarnation.Key, tracks[group.Key]);
        }
    }

    /// <summary>The steps of an ancestor up to where the branch parts from it, as incarnations before its own.</summary>
    internal static void Load(SqliteConnection connection, Ancestor ancestor, Track steps)
    {
        foreach (var incarnation in PointStore.Read(connection, ancestor.Run).Where(series => MachineMetrics.GroupOf(series.Metric) == "step").GroupBy(series => series.Incarnation))
        {
            var shared = incarnation.Select(series => (series.Metric, series.Points.Where(point => point.Step <= ancestor.UpToStep).ToList()));
            Join([.. shared], ancestor.Number(incarnation.Key), steps);
        }
    }

    static void Join((string Metric, List<Point> Points)[] series, int incarnation, Track track)
    {
        var places = new int[series.Length];
        var row = new List<(string, double)>(series.Length);
        while (true)
        {
            Point? next = null;
            for (var i = 0; i < series.Length; i++)
            {
                if (places[i] >= series[i].Points.Count) continue;
                var point = series[i].Points[places[i]];
                if (next is null || point.Time < next.Value.Time) next = point;
            }

            if (next is not { } moment) return;
            row.Clear();
            for (var i = 0; i < series.Length; i++)
            {
                var isHere = places[i] < series[i].Points.Count && series[i].Points[places[i]].Time <= moment.Time;
                if (isHere) row.Add((series[i].Metric, series[i].Points[places[i]++].Value));
            }

            track.Append(moment.Time, moment.Step, incarnation, row);
        }
    }
}
