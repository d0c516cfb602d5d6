using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>One cluster given up for a half of another.</summary>
/// <param name="Given">The empty or tiny one.</param>
/// <param name="Largest">The one that is halved.</param>
public readonly record struct ClusterSplit(int Given, int Largest)
{
    // faiss (Johnson et al. 2017) moves the two copies apart by this much of each coordinate, up and down in turn.
    const double Step = 1.0 / 1024;
    const long TinyPart = 64;

    /// <summary>
    /// Which clusters are split: each that is empty or has fewer than a 64th of the mean number of rows takes half of the largest one,
    /// while that has two rows to share.
    /// </summary>
    /// <param name="sizes">Rows of each cluster; changed to what is expected after the splits.</param>
    public static IReadOnlyList<ClusterSplit> Plan(long[] sizes)
    {
        List<ClusterSplit> splits = [];
        var least = Math.Max(1, sizes.Sum() / (TinyPart * sizes.Length));
        for (var cluster = 0; cluster < sizes.Length; cluster++)
        {
            if (sizes[cluster] >= least) continue;
            var largest = Array.IndexOf(sizes, sizes.Max());
            if (sizes[largest] < Math.Max(2, 2 * least)) break;
            sizes[cluster] = sizes[largest] / 2;
            sizes[largest] -= sizes[cluster];
            splits.Add(new ClusterSplit(cluster, largest));
        }

        return splits;
    }

    /// <summary>Puts two copies of the largest cluster's centroid, moved apart, in the places of both.</summary>
    /// <param name="centroids">(K, D), changed.</param>
    public void Apply(Tensor centroids)
    {
        using var scope = NewDisposeScope();
        using var step = Step.ToScalar();
        var up = zeros(centroids.shape[1], centroids.dtype, centroids.device);
        up[TensorIndex.Slice(step: 2)].fill_(Scalars.Two);
        up = up.sub(Scalars.One).mul(step); // +-step in turn
        var largest = centroids.select(0, Largest);
        var move = largest * up;
        centroids.select(0, Given).copy_(largest.Plus(move));
        largest.sub_(move);
    }
}
