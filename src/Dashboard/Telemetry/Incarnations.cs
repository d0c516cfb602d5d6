using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// Which points a restart went back over. They stay as they are; their incarnation carries the step after which a later one
/// did the work again. A threshold and not a mark a point, because points of the older one may still arrive.
/// </summary>
public static class Incarnations
{
    /// <summary>Writes down where an incarnation began and marks the earlier ones.</summary>
    public static void Began(SqliteConnection connection, string run, int incarnation, long fromStep)
    {
        connection.Run(
            """
            INSERT INTO incarnations(run, incarnation, from_step) VALUES($run, $incarnation, $from)
            ON CONFLICT(run, incarnation) DO UPDATE SET from_step = $from
            """,
            ("$run", run), ("$incarnation", incarnation), ("$from", fromStep));
        connection.Run(
            """
            UPDATE incarnations SET overtaken_after = (SELECT min(later.from_step) FROM incarnations later
              WHERE later.run = incarnations.run AND later.incarnation > incarnations.incarnation) WHERE run = $run
            """,
            ("$run", run));
    }

    /// <summary>Where each began.</summary>
    public static IReadOnlyList<(int Incarnation, long FromStep)> Began(SqliteConnection connection, string run) =>
        connection.Rows("SELECT incarnation, from_step FROM incarnations WHERE run = $run", row => (row.GetInt32(0), row.GetInt64(1)), ("$run", run));

    /// <summary>The step after which the points of each incarnation are overtaken; absent when none did.</summary>
    public static Dictionary<int, long> Overtaken(SqliteConnection connection, string run) => connection.Rows(
        "SELECT incarnation, overtaken_after FROM incarnations WHERE run = $run AND overtaken_after IS NOT NULL",
        row => (row.GetInt32(0), row.GetInt64(1)), ("$run", run)).ToDictionary(pair => pair.Item1, pair => pair.Item2);

    /// <summary>The same from what is in memory: where each began.</summary>
    public static Dictionary<int, long> Overtaken(IReadOnlyDictionary<int, long> fromSteps) => fromSteps
        .Where(one => fromSteps.Any(later => later.Key > one.Key))
        .ToDictionary(one => one.Key, one => fromSteps.Where(later => later.Key > one.Key).Min(later => later.Value));
}
