using Mcn.Web.Shared.Link;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>A run that another branched off from, as far as the two have their history in common.</summary>
/// <param name="UpToStep">The step where they part.</param>
/// <param name="Generations">1 for the parent, 2 for its parent…</param>
sealed record Ancestor(string Run, long UpToStep, int Generations)
{
    const int MostIncarnations = 1_000_000;

    /// <summary>Number of an incarnation of it among those of the branch: before all of them, in the order of time.</summary>
    internal int Number(int incarnation) => incarnation - (Generations * MostIncarnations);
}

/// <summary>Where a run comes from.</summary>
static class Ancestry
{
    /// <summary>A branch of a branch of …: what is older is not shown.</summary>
    const int Most = 8;

    /// <summary>Oldest first; those that this dashboard has never heard of have no points.</summary>
    internal static IReadOnlyList<Ancestor> Of(SqliteConnection connection, RunIntroduction run)
    {
        var found = new List<Ancestor>();
        var upTo = long.MaxValue;
        for (var parent = run.Parent; parent is not null && found.Count < Most; parent = Parent(connection, parent.RunId))
        {
            upTo = Math.Min(upTo, parent.Step);
            found.Add(new Ancestor(parent.RunId, upTo, found.Count + 1));
        }

        found.Reverse();
        return found;
    }

    static Shared.Runs.RunParent? Parent(SqliteConnection connection, string run) => connection.Rows(
        "SELECT parent, parent_step FROM runs WHERE run = $run AND parent IS NOT NULL", row => new Shared.Runs.RunParent(row.GetString(0), row.GetInt64(1)), ("$run", run)).FirstOrDefault();
}
