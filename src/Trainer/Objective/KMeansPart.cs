using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The rows of one part of a k-means fit where they lie (views, no copies), and the cluster of each. Its work is only issued to its
/// device, never waited for: one thread keeps the devices of all parts busy. Belongs to the fit.
/// </summary>
/// <param name="device">Of the rows.</param>
/// <param name="segments">(n, D) each: the part's piece of the queue, and its rows of this step.</param>
public sealed class KMeansPart(Device device, IReadOnlyList<Tensor> segments) : IDisposable
{
    /// <summary>Largest block of similarities that an assignment makes: 16,384 rows against 256 centroids.</summary>
    public const long MostBlockBytes = 16L << 20;

    Tensor[]? first;
    Tensor[] labels = [];

    public long Rows => segments.Sum(segment => segment.shape[0]);

    /// <summary>(n) int64 of each segment: the last assignment.</summary>
    public IReadOnlyList<Tensor> Labels => labels;

    /// <summary>Assigns every row to the centroid with the largest cosine (first index on ties) and adds the rows of each cluster up, block by block.</summary>
    /// <param name="directions">(K, D): the centroids, normalised; in the precision in which everything is added up.</param>
    /// <param name="mostBlockBytes">Bound of the block of similarities.</param>
    /// <returns>On the part's device.</returns>
    public PartSums Assign(Tensor directions, long mostBlockBytes = MostBlockBytes)
    {
        using var scope = NewDisposeScope();
        var local = directions.to(device);
        var sums = new PartSums(zeros_like(local), zeros(local.shape[0], ScalarType.Int64, device), zeros(1, ScalarType.Int64, device));
        var mostRows = Math.Max(1, mostBlockBytes / (local.shape[0] * local.ElementSize));
        var now = new Tensor[segments.Count];
        for (var i = 0; i < now.Length; i++)
        {
            var rows = segments[i].shape[0];
            now[i] = empty(rows, ScalarType.Int64, device);
            for (var row = 0L; row < rows; row += mostRows)
            {
                using var block = NewDisposeScope();
                var count = Math.Min(mostRows, rows - row);
                var x = segments[i].narrow(0, row, count).to(local.dtype);
                var nearest = SphericalKMeans.Nearest(x, local);
                sums.Rows.index_add_(0, nearest, x, Scalars.One);
                sums.Counts.index_add_(0, nearest, ones_like(nearest), Scalars.One);
                if (labels.Length > 0) sums.Changed.add_(nearest.ne(labels[i].narrow(0, row, count)).sum(), Scalars.One);
                now[i].narrow(0, row, count).copy_(nearest);
            }

            now[i].DetachFromDisposeScope();
        }

        Take(now);
        return new PartSums(sums.Rows.MoveToOuterDisposeScope(), sums.Counts.MoveToOuterDisposeScope(), sums.Changed.MoveToOuterDisposeScope());
    }

    /// <summary>How many rows have another label than the fit began with.</summary>
    public long ChangedSinceFirst()
    {
        using var scope = NewDisposeScope();
        return first is null ? 0 : first.Zip(labels, (before, after) => before.ne(after).sum().item<long>()).Sum(); // sync
    }

    void Take(Tensor[] now)
    {
        if (labels.Length > 0 && first is null) first = labels;
        else foreach (var old in labels) old.Dispose();
        labels = now;
    }

    public void Dispose()
    {
        foreach (var tensor in (first ?? []).Concat(labels)) tensor.Dispose();
    }
}

/// <summary>What a part adds to an update of the centroids.</summary>
/// <param name="Rows">(K, D): the sum of each cluster's rows.</param>
/// <param name="Counts">(K) int64.</param>
/// <param name="Changed">(1) int64: rows whose label is another than in the iteration before; 0 in the first.</param>
public sealed record PartSums(Tensor Rows, Tensor Counts, Tensor Changed)
{
    /// <summary>The sum over parts, added up in their order on one device: bitwise the same however many ranks own them.</summary>
    public static PartSums Merge(IReadOnlyList<PartSums> parts, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor Sum(Func<PartSums, Tensor> of)
        {
            var sum = zeros_like(of(parts[0]), device: device);
            foreach (var part in parts) sum.add_(of(part).to(device), Scalars.One);
            return sum.MoveToOuterDisposeScope();
        }

        return new PartSums(Sum(part => part.Rows), Sum(part => part.Counts), Sum(part => part.Changed));
    }
}
