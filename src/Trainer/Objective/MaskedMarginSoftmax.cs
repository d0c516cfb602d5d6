using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// Masked margin softmax (mcn-spec §5.1; Ilharco et al. 2019). With S = A Bᵀ − δI:
/// L = (1/N) Σ_i [lse(S_i,:) + lse(S_:,i) − 2 S_ii], both directions summed, raw dot products, no temperature.
/// Value and gradient come from one pass over blocks of rows with an online log-sum-exp, so that memory is bounded by the block,
/// not by N²; no autograd graph is built.
/// </summary>
public static class MaskedMarginSoftmax
{
    // A block of N columns stays below this; one block (the whole matrix) is kept instead of computed twice.
    const long BlockBytes = 64L << 20;

    /// <summary>Loss and gradients for N matching pairs.</summary>
    /// <param name="a">(N, D), without graph.</param>
    /// <param name="b">(N, D), without graph; row i belongs to row i of <paramref name="a"/>.</param>
    /// <param name="margin">δ, taken off the matching similarities.</param>
    /// <param name="blockRows">Rows of one block; null: as many as the byte budget allows.</param>
    /// <returns>L (scalar), dL/dA (N, D), dL/dB (N, D).</returns>
    public static (Tensor Loss, Tensor GradientA, Tensor GradientB) LossAndGradients(Tensor a, Tensor b, double margin, long? blockRows = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var n = a.shape[0];
        var rows = blockRows ?? Math.Clamp(BlockBytes / (n * a.ElementSize), 1, n);
        var transposed = b.t();

        var matching = zeros(n, a.dtype, a.device);
        var rowLse = zeros(n, a.dtype, a.device);
        Tensor? columnLse = null;
        Tensor? kept = null;
        using var delta = margin.ToScalar();
        using var count = n.ToScalar();
        for (var start = 0L; start < n; start += rows)
        {
            using var block = NewDisposeScope();
            var similarity = Similarity(a, transposed, start, rows, delta);
            var height = similarity.shape[0];
            matching.narrow(0, start, height).copy_(Diagonal(similarity, start));
            rowLse.narrow(0, start, height).copy_(similarity.logsumexp(1));
            var lse = similarity.logsumexp(0);
            columnLse = (columnLse is null ? lse : logaddexp(columnLse, lse)).MoveToOuterDisposeScope();
            if (height == n) kept = similarity.MoveToOuterDisposeScope();
        }

        var loss = (rowLse.sum().Plus(columnLse!.sum()) - matching.sum().mul_(Scalars.Two)).div_(count);
        var gradientA = empty_like(a);
        var gradientB = zeros_like(b);
        for (var start = 0L; start < n; start += rows)
        {
            using var block = NewDisposeScope();
            var similarity = kept ?? Similarity(a, transposed, start, rows, delta);
            var height = similarity.shape[0];
            var gradient = (similarity - rowLse.narrow(0, start, height).unsqueeze(1)).exp_()
                .add_((similarity - columnLse.unsqueeze(0)).exp_(), Scalars.One);
            Diagonal(gradient, start).sub_(Scalars.Two);
            gradient.div_(count);
            gradientA.narrow(0, start, height).copy_(gradient.mm(b));
            gradientB.add_(gradient.t().mm(a.narrow(0, start, height)), Scalars.One);
        }

        return (loss.MoveToOuterDisposeScope(), gradientA.MoveToOuterDisposeScope(), gradientB.MoveToOuterDisposeScope());
    }

    /// <summary>Rows start .. start+rows of S = A Bᵀ − δI.</summary>
    static Tensor Similarity(Tensor a, Tensor transposed, long start, long rows, Scalar margin)
    {
        var similarity = a.narrow(0, start, Math.Min(rows, a.shape[0] - start)).mm(transposed);
        Diagonal(similarity, start).sub_(margin);
        return similarity;
    }

    /// <summary>The matching entries of a block of rows that begins at row <paramref name="start"/>: a view.</summary>
    static Tensor Diagonal(Tensor block, long start) => block.narrow(1, start, block.shape[0]).diagonal();
}
