using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// Masked margin softmax (mcn-spec §5.1; Ilharco et al. 2019). With S = A Bᵀ − δI:
/// L = (1/N) Σ_i [lse(S_i,:) + lse(S_:,i) − 2 S_ii], both directions summed, raw dot products, no temperature; so
/// dL/dA_i = (1/N) Σ_j [exp(S_ij − lse(S_i,:)) + exp(S_ij − lse(S_:,j)) − 2 δ_ij] B_j, and B has the same with Sᵀ.
/// </summary>
/// <remarks>
/// <para>Only rows are ever computed: those of S for A and those of Sᵀ for B (a fourth product beside the three that are needed at least,
/// under 1 % of a step). So rows can be split over ranks: a rank takes the <see cref="Rows"/> of its clips in both roles, all exchange two
/// vectors of N log-sum-exps, and each has the whole gradient of its own clips; no gradient is summed over ranks.</para>
/// <para>Rows go in blocks that begin at multiples of their height, and the height does not depend on the ranks: whoever computes a block
/// runs the same kernel on the same numbers, so the result is bitwise the same for any number of ranks. No block is beyond
/// <see cref="BlockBytes"/> (three of that size at a time: similarities and two exponentials).</para>
/// </remarks>
public static class MaskedMarginSoftmax
{
    /// <summary>Bound of one block of similarities; a single row of more than 16 million clips would be beyond it.</summary>
    public const long BlockBytes = 64L << 20;

    /// <summary>Height of a block: the largest divisor of <paramref name="unit"/> whose rows of N similarities stay within <see cref="BlockBytes"/>.</summary>
    /// <param name="clips">N.</param>
    /// <param name="elementBytes">Of one similarity.</param>
    /// <param name="unit">What ranks own whole numbers of: clips of a BatchNorm group.</param>
    public static long BlockRows(long clips, long elementBytes, long unit)
    {
        var most = Math.Max(1, BlockBytes / (clips * elementBytes));
        if (unit <= most) return unit;
        var rows = most;
        while (unit % rows != 0) rows--;
        return rows;
    }

    /// <summary>Loss and gradients for N matching pairs on one device.</summary>
    /// <param name="a">(N, D), without graph.</param>
    /// <param name="b">(N, D), without graph; row i belongs to row i of <paramref name="a"/>.</param>
    /// <param name="margin">δ, taken off the matching similarities.</param>
    /// <param name="blockRows">Rows of one block; null: as many as the byte budget allows.</param>
    /// <returns>L (scalar), dL/dA (N, D), dL/dB (N, D).</returns>
    public static (Tensor Loss, Tensor GradientA, Tensor GradientB) LossAndGradients(Tensor a, Tensor b, double margin, long? blockRows = null)
    {
        using var scope = NewDisposeScope();
        var height = blockRows ?? BlockRows(a.shape[0], a.ElementSize, a.shape[0]);
        using var rowsOfA = Rows.Of(a, 0, a.shape[0], b, margin, height);
        using var rowsOfB = Rows.Of(b, 0, b.shape[0], a, margin, height);
        var loss = Loss(rowsOfA.LogSumExp, rowsOfB.LogSumExp, rowsOfA.Matching);
        return (loss.MoveToOuterDisposeScope(), rowsOfA.Gradient(rowsOfB.LogSumExp).MoveToOuterDisposeScope(),
            rowsOfB.Gradient(rowsOfA.LogSumExp).MoveToOuterDisposeScope());
    }

    /// <summary>The value.</summary>
    /// <param name="rowLse">(N): log-sum-exp of every row of S.</param>
    /// <param name="columnLse">(N): of every column.</param>
    /// <param name="matching">(N): the diagonal.</param>
    public static Tensor Loss(Tensor rowLse, Tensor columnLse, Tensor matching)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var count = matching.shape[0].ToScalar();
        return (rowLse.sum().Plus(columnLse.sum()) - matching.sum().mul_(Scalars.Two)).div_(count).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Consecutive rows of S = A Bᵀ − δI: their statistics first, their gradient when the other direction's log-sum-exp is known. The
    /// similarities are kept in between when they are one block, and else computed again. Used on one thread.
    /// </summary>
    public sealed class Rows : IDisposable
    {
        readonly Tensor a;
        readonly Tensor b;
        readonly long first;
        readonly double margin;
        readonly long height;
        Tensor? kept;

        Rows(Tensor a, long first, Tensor b, double margin, long height) => (this.a, this.first, this.b, this.margin, this.height) = (a, first, b, margin, height);

        /// <summary>(n): log-sum-exp of each row over all N columns.</summary>
        public Tensor LogSumExp { get; private set; } = null!;

        /// <summary>(n): the similarity of each row with its own column, margin taken off.</summary>
        public Tensor Matching { get; private set; } = null!;

        /// <summary>Reads the rows.</summary>
        /// <param name="all">(N, D), without graph; only its rows first .. first+count are looked at as A. Held until the gradient is made.</param>
        /// <param name="first">A multiple of <paramref name="height"/>.</param>
        /// <param name="count">A multiple of <paramref name="height"/>, or up to the last row.</param>
        /// <param name="columns">(N, D), without graph: B, of all ranks. Held until the gradient is made.</param>
        /// <param name="margin">δ.</param>
        /// <param name="height">Rows of one block, of <see cref="BlockRows"/>.</param>
        public static Rows Of(Tensor all, long first, long count, Tensor columns, double margin, long height)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(first % height, 0L, nameof(first));
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var rows = new Rows(all.narrow(0, first, count), first, columns, margin, height);
            rows.LogSumExp = empty(count, all.dtype, all.device);
            rows.Matching = empty(count, all.dtype, all.device);
            for (var start = 0L; start < count; start += height)
            {
                using var block = NewDisposeScope();
                var similarity = rows.Block(start);
                rows.LogSumExp.narrow(0, start, similarity.shape[0]).copy_(similarity.logsumexp(1));
                rows.Matching.narrow(0, start, similarity.shape[0]).copy_(rows.Diagonal(similarity, start));
                if (similarity.shape[0] == count) rows.kept = similarity.MoveToOuterDisposeScope().MoveToOuterDisposeScope();
            }

            rows.a.MoveToOuterDisposeScope();
            rows.LogSumExp.MoveToOuterDisposeScope();
            rows.Matching.MoveToOuterDisposeScope();
            return rows;
        }

        /// <summary>dL/dA of these rows, (n, D).</summary>
        /// <param name="columnLse">(N): log-sum-exp of every column of S, on this device.</param>
        public Tensor Gradient(Tensor columnLse)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            using var clips = b.shape[0].ToScalar();
            var gradient = empty_like(a);
            for (var start = 0L; start < a.shape[0]; start += height)
            {
                using var block = NewDisposeScope();
                var similarity = kept ?? Block(start);
                var count = similarity.shape[0];
                var weights = (similarity - LogSumExp.narrow(0, start, count).unsqueeze(1)).exp_()
                    .add_((similarity - columnLse.unsqueeze(0)).exp_(), Scalars.One);
                Diagonal(weights, start).sub_(Scalars.Two);
                gradient.narrow(0, start, count).copy_(weights.div_(clips).mm(b));
            }

            return gradient.MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            kept?.Dispose();
            a.Dispose();
        }

        Tensor Block(long start)
        {
            using var delta = margin.ToScalar();
            var similarity = a.narrow(0, start, Math.Min(height, a.shape[0] - start)).mm(b.t());
            Diagonal(similarity, start).sub_(delta);
            return similarity;
        }

        /// <summary>The matching entries of a block: a view.</summary>
        Tensor Diagonal(Tensor block, long start) => block.narrow(1, first + start, block.shape[0]).diagonal();
    }
}
