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

    readonly long[] lengths = [.. segments.Select(segment => segment.shape[0])];
    Tensor? first;
    Tensor? labels;

    public long Rows => lengths.Sum();

    /// <summary>(n) int64 of each segment, views: the last assignment. Empty before the first.</summary>
    public IReadOnlyList<Tensor> Labels => labels is null ? [] : labels.split(lengths);

    /// <summary>Assigns every row to the centroid with the largest cosine (first index on ties) and adds the rows of each cluster up, block by block.</summary>
    /// <param name="directions">(K, D): the centroids, normalised; in the precision in which everything is added up.</param>
    /// <param name="mostBlockBytes">Bound of the block of similarities.</param>
    /// <returns>On the part's device.</returns>
    public PartSums Assign(Tensor directions, long mostBlockBytes = MostBlockBytes)
    {
        using var scope = NewDisposeScope();
        var local = directions.to(device);
        var sums = zeros_like(local);
        var now = empty(Rows, ScalarType.Int64, device);
        var mostRows = Math.Max(1, mostBlockBytes / (local.shape[0] * local.ElementSize));
        var begin = 0L;
        foreach (var segment in segments)
        {
            for (var row = 0L; row < segment.shape[0]; row += mostRows)
            {
                using var block = NewDisposeScope();
                var x = segment.narrow(0, row, Math.Min(mostRows, segment.shape[0] - row)).to(local.dtype);
                var nearest = SphericalKMeans.Nearest(x, local);
                sums.index_add_(0, nearest, x, Scalars.One);
                now.narrow(0, begin, x.shape[0]).copy_(nearest);
                begin += x.shape[0];
            }
        }

        var counts = zeros(local.shape[0], ScalarType.Int64, device).index_add_(0, now, ones_like(now), Scalars.One); // bincount would wait for the device
        var changed = labels is null ? zeros(1, ScalarType.Int64, device) : now.ne(labels).sum([0], keepdim: true);
        Take(now.DetachFromDisposeScope());
        return new PartSums(sums.MoveToOuterDisposeScope(), counts.MoveToOuterDisposeScope(), changed.MoveToOuterDisposeScope());
    }

    /// <summary>How many rows have another label than the fit began with.</summary>
    public long ChangedSinceFirst()
    {
        using var scope = NewDisposeScope();
        return first is null ? 0 : first.ne(labels!).sum().item<long>(); // sync
    }

    void Take(Tensor now)
    {
        if (first is null) first = labels;
        else labels!.Dispose();
        labels = now;
    }

    public void Dispose()
    {
        first?.Dispose();
        labels?.Dispose();
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
