using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// Lloyd's k-means by Euclidean distance: the other mode of the library that the original uses (mcn-spec §6). Training clusters by
/// cosine (<see cref="SphericalKMeans"/>); this one is here to be compared, and to show what the mode would change.
/// </summary>
public static class EuclideanKMeans
{
    /// <summary>Until the centroids move by at most 1e-4 (squared, summed over all), 100 iterations at most; an empty cluster becomes zero.</summary>
    /// <param name="rows">X: (n, D).</param>
    /// <param name="initial">(K, D).</param>
    public static SphericalKMeans.Fit Run(Tensor rows, Tensor initial)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var one = ones(rows.shape[0], rows.dtype, rows.device);
        var centroids = initial;
        for (var iteration = 1; ; iteration++)
        {
            var labels = Assign(rows, centroids);
            var counts = zeros(initial.shape[0], rows.dtype, rows.device).index_add_(0, labels, one, Scalars.One);
            var means = zeros_like(initial).index_add_(0, labels, rows, Scalars.One) / counts.clamp(Scalars.One).unsqueeze(1);
            var step = means - centroids;
            var moved = (step * step).sum().item<float>(); // sync
            centroids = means;
            if (moved > SphericalKMeans.Tolerance && iteration < SphericalKMeans.MaxIterations) continue;
            var empty = (int)counts.eq(Scalars.Zero).sum().item<long>(); // sync
            return new SphericalKMeans.Fit(labels.MoveToOuterDisposeScope(), centroids.MoveToOuterDisposeScope(), iteration, empty);
        }
    }

    /// <summary>(n) int64: the nearest centroid, first index on ties.</summary>
    public static Tensor Assign(Tensor rows, Tensor centroids)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        // -|x - c|² without the |x|² that is the same for all centroids.
        return (rows.mm(centroids.t()).mul_(Scalars.Two) - (centroids * centroids).sum([1L]).unsqueeze(0)).argmax(1).MoveToOuterDisposeScope();
    }
}
