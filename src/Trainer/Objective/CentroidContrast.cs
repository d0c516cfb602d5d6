using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// Cluster loss (mcn-spec §5.3): S = M Cᵀ with δ taken off the own cluster's entry; L = mean_i (lse_k S[i,k] − S[i,y_i]).
/// Centroids are constants; no normalisation, no temperature.
/// </summary>
public static class CentroidContrast
{
    /// <param name="embedding">M: (N, D), without graph.</param>
    /// <param name="centroids">C: (K, D).</param>
    /// <param name="labels">y: (N) int64, the cluster of each row.</param>
    /// <param name="margin">δ.</param>
    /// <returns>L (scalar) and dL/dM (N, D).</returns>
    public static (Tensor Loss, Tensor Gradient) LossAndGradient(Tensor embedding, Tensor centroids, Tensor labels, double margin)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var own = labels.unsqueeze(1);
        var similarity = embedding.mm(centroids.t());
        using var minusMargin = (-margin).ToScalar();
        using var rows = embedding.shape[0].ToScalar();
        var minusOne = zeros_like(own, similarity.dtype).sub_(Scalars.One);
        similarity.scatter_add_(1, own, zeros_like(own, similarity.dtype).add_(minusMargin, Scalars.One));
        var lse = similarity.logsumexp(1, keepdim: true);
        var loss = (lse - similarity.gather(1, own)).mean();
        var probability = (similarity - lse).exp_();
        probability.scatter_add_(1, own, minusOne);
        var gradient = probability.div_(rows).mm(centroids);
        return (loss.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }
}
