namespace Mcn.Web.Shared.Telemetry;

/// <summary>What a retrieval table says about the branches of the network. Pure.</summary>
public static class RetrievalHealth
{
    // Fewer ranks say nothing about chance.
    const int FewestClips = 20;

    // Standard deviations that a mean rank must lie below the one of guessing to count as learnt.
    const double Deviations = 3;

    /// <summary>
    /// Whether the ranks of a direction are those of guessing: under chance a rank is uniform in 1..n, so the mean of n ranks is
    /// (n + 1) / 2 with standard deviation sqrt((n² - 1) / (12 n)).
    /// </summary>
    /// <param name="n">Clips of the set.</param>
    public static bool IsAtChance(RetrievalRow row, int n) =>
        n >= FewestClips && row.Meanr > ((n + 1) / 2.0) - (Deviations * Math.Sqrt((((double)n * n) - 1) / (12.0 * n)));

    /// <summary>Text finds video but not audio: the audio branch is dead.</summary>
    public static bool AudioIsDead(IReadOnlyList<RetrievalRow> rows, int n) => AtChance(rows, "t2a", n) && !AtChance(rows, "t2v", n);

    /// <summary>Neither is found: nothing has been learnt, or the input is wrong.</summary>
    public static bool NothingIsLearnt(IReadOnlyList<RetrievalRow> rows, int n) => AtChance(rows, "t2a", n) && AtChance(rows, "t2v", n);

    static bool AtChance(IReadOnlyList<RetrievalRow> rows, string direction, int n) =>
        rows.FirstOrDefault(row => row.Direction == direction) is { } row && IsAtChance(row, n);
}
