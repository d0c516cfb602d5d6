using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Retrieval figures from where the correct item stands for each query (mcn-spec §9.2). Pure.
/// </summary>
/// <param name="Greater">Per query: items scored strictly above the correct one; NaN counts as above.</param>
/// <param name="Ties">Per query: other items scored exactly as the correct one; -1 when the correct one's score is NaN.</param>
public sealed record Standings(int[] Greater, int[] Ties);

/// <param name="R1">Fraction of queries whose correct item is first; R5, R10: among the first 5, 10.</param>
/// <param name="MedR">Median rank, from 1.</param>
/// <param name="MeanR">Mean rank, from 1.</param>
public sealed record RetrievalFigures(double R1, double R5, double R10, double MedR, double MeanR);

public static class RetrievalMetrics
{
    /// <summary>Ranks with ties averaged: 1 + items above + ties / 2.</summary>
    public static double[] AveragedRanks(Standings standings) =>
        [.. standings.Greater.Zip(standings.Ties, (greater, ties) => 1 + greater + (Math.Max(0, ties) / 2.0))];

    /// <summary>
    /// The original's counting (spec Q18): every position of a tie is one more match, so that a recall may exceed 1; queries whose score
    /// is NaN, and clips without audio, have no match and so do not enter the median.
    /// </summary>
    public static double[] OptimisticRanks(Standings standings) =>
        [.. standings.Greater.Zip(standings.Ties).SelectMany(q => Enumerable.Range(q.First + 1, q.Second + 1), (_, rank) => (double)rank)];

    /// <summary>Clips that are not in the gallery stand last: nobody finds them.</summary>
    /// <param name="denominator">Clips that should be there.</param>
    public static double[] WithMissing(double[] ranks, int denominator) =>
        [.. ranks, .. Enumerable.Repeat((double)denominator, Math.Max(0, denominator - ranks.Length))];

    /// <param name="ranks">From 1.</param>
    /// <param name="denominator">Queries, or 1000 for MSR-VTT, whose missing clips are mistakes.</param>
    public static RetrievalFigures Figures(double[] ranks, int denominator)
    {
        double Recall(int k) => ranks.Count(rank => rank <= k) / (double)denominator;
        return new RetrievalFigures(Recall(1), Recall(5), Recall(10), Median(ranks), ranks.DefaultIfEmpty(double.NaN).Average());
    }

    /// <summary>95 % intervals of the recalls by resampling the queries (percentile bootstrap).</summary>
    /// <param name="ranks">One rank a query.</param>
    /// <param name="draw">Uniform index below its argument; seeded, so that the interval is a function of the run.</param>
    public static IReadOnlyDictionary<string, double[]> Intervals(double[] ranks, int samples, Func<int, int> draw)
    {
        int[] depths = [1, 5, 10];
        var recalls = depths.Select(_ => new double[samples]).ToArray();
        Span<int> hits = stackalloc int[3];
        for (var sample = 0; sample < samples; sample++)
        {
            hits.Clear();
            for (var i = 0; i < ranks.Length; i++)
            {
                var rank = ranks[draw(ranks.Length)];
                for (var k = 0; k < depths.Length; k++)
                {
                    if (rank <= depths[k]) hits[k]++;
                }
            }

            for (var k = 0; k < depths.Length; k++) recalls[k][sample] = hits[k] / (double)ranks.Length;
        }

        return depths.Select((depth, k) => (Name: $"r{depth}", Interval: Interval(recalls[k]))).ToDictionary(x => x.Name, x => x.Interval);
    }

    static double[] Interval(double[] values)
    {
        if (values.Length == 0) return [double.NaN, double.NaN];
        Array.Sort(values);
        return [values[(int)(0.025 * (values.Length - 1))], values[(int)Math.Ceiling(0.975 * (values.Length - 1))]];
    }

    static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        if (sorted.Length == 0) return double.NaN;
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    public static RetrievalRow Row(string direction, RetrievalFigures figures, IReadOnlyDictionary<string, double[]> intervals) =>
        new(direction, figures.R1, figures.R5, figures.R10, figures.MedR, figures.MeanR, intervals);
}
