using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// MIL-NCE (Miech et al. 2020; mcn-spec §5.5), which the original ships beside its own loss and its published command does not use.
/// With S = V Tᵀ as (n, n, c), c candidate texts a video:
/// L = (1/n) Σ_i [ lse over S_i,: and S_:,i jointly (the positives twice) − lse over the c positives S_i,i ].
/// </summary>
public static class MilNce
{
    /// <param name="video">(n, D), without graph.</param>
    /// <param name="text">(n x c, D), the candidates of video i in rows i c .. i c + c - 1, without graph.</param>
    /// <returns>L (scalar), dL/dvideo (n, D), dL/dtext (n x c, D).</returns>
    public static (Tensor Loss, Tensor GradientVideo, Tensor GradientText) LossAndGradients(Tensor video, Tensor text)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var n = video.shape[0];
        var candidates = text.shape[0] / n;
        if (candidates * n != text.shape[0]) throw new ArgumentException("the same number of texts for each video", nameof(text));
        using var count = n.ToScalar();
        var similarity = video.mm(text.t()).view(n, n, candidates);
        var rows = similarity.reshape(n, -1);
        var columns = similarity.transpose(0, 1).reshape(n, -1);
        var all = cat([rows, columns], 1).logsumexp(1);
        var positives = similarity.diagonal(0, 0, 1).t().contiguous(); // (n, c)
        var right = positives.logsumexp(1);

        // d/dS_ijk: once as a row of i, once as a column of j, and off where it is a positive.
        var gradient = (similarity - all.view(n, 1, 1)).exp().Plus((similarity - all.view(1, n, 1)).exp());
        gradient.diagonal(0, 0, 1).sub_((positives - right.unsqueeze(1)).exp().t());
        gradient.div_(count);
        var flat = gradient.view(n, n * candidates);
        var loss = (all - right).mean();
        return (loss.MoveToOuterDisposeScope(), flat.mm(text).MoveToOuterDisposeScope(), flat.t().mm(video).MoveToOuterDisposeScope());
    }
}
