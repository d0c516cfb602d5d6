using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// k-means by cosine over rows that lie in parts, on as many devices as there are: assignment in bounded blocks, each part's sums merged
/// in the parts' order. Only sums of (K, D) travel. Pure: deterministic for given rows and centroids, on the CPU bitwise the same for any
/// number of ranks. Centroids are arithmetic means of unnormalised rows, as the cluster loss takes them (mcn-spec §5.3).
/// </summary>
public static class ShardedKMeans
{
    /// <summary>A fit from the last centroids needs 5 to 10; reference: the original runs up to 100.</summary>
    public const int MostIterations = 20;

    /// <summary>A fit is done when a smaller share of the rows changes its cluster.</summary>
    public const double SettledShare = 0.001;

    /// <param name="Centroids">(K, D) after the last update, where the initial ones lay.</param>
    /// <param name="Iterations">Iterations run.</param>
    /// <param name="EmptyClusters">Clusters without a row in the last iteration.</param>
    /// <param name="Splits">Clusters that were given up for a half of another, over all iterations.</param>
    /// <param name="Entropy">Of the cluster sizes, as a share of ln K: 1 when all are equal, 0 when one has everything.</param>
    /// <param name="Churn">Share of the rows that end in another cluster than the initial centroids put them into, 0 to 1.</param>
    public sealed record Fit(Tensor Centroids, int Iterations, int EmptyClusters, int Splits, double Entropy, double Churn);

    /// <summary>Fits; the parts hold the labels of the last assignment, which is BEFORE the last update (spec Q15).</summary>
    /// <param name="parts">With one row at least among them.</param>
    /// <param name="initial">(K, D); in the precision in which everything is added up.</param>
    /// <param name="asOriginal">
    /// The original's rules (mcn-spec §6.3): until the centroids move by at most 1e-4 (squared, summed), 100 iterations at most, an empty
    /// cluster's centroid becomes zero. Otherwise until fewer than <see cref="SettledShare"/> of the rows change, and empty or tiny
    /// clusters are split (<see cref="ClusterSplit"/>).
    /// </param>
    public static Fit Run(IReadOnlyList<KMeansPart> parts, Tensor initial, bool asOriginal)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var rows = parts.Sum(part => part.Rows);
        var (centroids, splits) = (initial, 0);
        for (var iteration = 1; ; iteration++)
        {
            using var inner = NewDisposeScope();
            var directions = SphericalKMeans.Normalised(centroids); // once, not by each part
            var sums = PartSums.Merge([.. parts.Select(part => part.Assign(directions))], initial.device);
            var empty = sums.Counts.eq(Scalars.Zero).unsqueeze(1);
            var means = where(empty, asOriginal ? zeros_like(centroids) : centroids, sums.Rows / sums.Counts.clamp(Scalars.One).unsqueeze(1));
            long[] sizes = [.. sums.Counts.cpu().data<long>()]; // sync
            var done = asOriginal
                ? Moved(centroids, means) <= SphericalKMeans.Tolerance || iteration == SphericalKMeans.MaxIterations
                : iteration == MostIterations;
            if (!asOriginal && !done)
            {
                var plan = ClusterSplit.Plan([.. sizes]);
                foreach (var split in plan) split.Apply(means);
                splits += plan.Count;
                done = plan.Count == 0 && iteration > 1 && sums.Changed.item<long>() < SettledShare * rows; // sync
            }

            if (!ReferenceEquals(centroids, initial)) centroids.Dispose();
            centroids = means.MoveToOuterDisposeScope();
            if (!done) continue;
            return new Fit(centroids.MoveToOuterDisposeScope(), iteration, sizes.Count(size => size == 0), splits, Entropy(sizes),
                parts.Sum(part => part.ChangedSinceFirst()) / (double)rows);
        }
    }

    /// <summary>-Σ p ln p of the sizes' shares, over ln K; 1 for a single cluster.</summary>
    public static double Entropy(IReadOnlyCollection<long> sizes)
    {
        if (sizes.Count == 1) return 1;
        var rows = (double)sizes.Sum();
        return -sizes.Where(size => size > 0).Sum(size => size / rows * Math.Log(size / rows)) / Math.Log(sizes.Count);
    }

    static double Moved(Tensor before, Tensor after)
    {
        var step = after - before;
        return (step * step).sum().to(ScalarType.Float64).item<double>(); // sync
    }
}
