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
/// <para>Rows of S for A and rows of Sᵀ for B, each swept over in the tiles of <see cref="SimilarityTiles"/> with the running maximum and sum
/// of every row: nothing but vectors grows with N. Rows can be split over ranks: a rank takes the <see cref="Rows"/> of its clips in both
/// roles, all exchange two vectors of N log-sum-exps, and each has the whole gradient of its own clips. No gradient is summed over ranks and
/// the result is bitwise the same for any number of them; the price is a fourth product beside the three that are needed at least, under 1 %
/// of a step.</para>
/// <para>A single pass over S cannot give the gradient: dL/dA_i weighs B_j by exp(S_ij − lse(S_:,j)), which is known when every row has been
/// seen, and which no factor of the sum over j makes good afterwards, as one can for exp(S_ij − lse(S_i,:)). That half could go along with
/// the first sweep, as in flash attention, but would make two products of one. So: statistics, exchange, gradient; similarities that are
/// few enough (<see cref="SimilarityTiles.Keeps"/>) are kept in between and serve both, the others are computed again.</para>
/// </remarks>
public static class MaskedMarginSoftmax
{
    static readonly Scalar NothingYet = double.NegativeInfinity.ToScalar();

    /// <summary>Loss and gradients for N matching pairs on one device.</summary>
    /// <param name="a">(N, D), without graph.</param>
    /// <param name="b">(N, D), without graph; row i belongs to row i of <paramref name="a"/>.</param>
    /// <param name="margin">δ, taken off the matching similarities.</param>
    /// <param name="tiles">Of both sweeps; null: as for one group of N clips.</param>
    /// <returns>L (scalar), dL/dA (N, D), dL/dB (N, D).</returns>
    public static (Tensor Loss, Tensor GradientA, Tensor GradientB) LossAndGradients(Tensor a, Tensor b, double margin, SimilarityTiles? tiles = null)
    {
        using var scope = NewDisposeScope();
        var clips = a.shape[0];
        tiles ??= SimilarityTiles.Of(clips, a.ElementSize, clips);
        using var rowsOfA = Rows.Of(a, 0, clips, b, margin, tiles);
        using var rowsOfB = Rows.Of(b, 0, clips, a, margin, tiles);
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
    /// Consecutive rows of S = A Bᵀ − δI: their statistics first, their gradient, once, when the other direction's log-sum-exp is known.
    /// Used on one thread.
    /// </summary>
    public sealed class Rows : IDisposable
    {
        readonly Tensor a;
        readonly Tensor b;
        readonly long first;
        readonly double margin;
        readonly SimilarityTiles tiles;
        readonly Queue<Tensor> kept = new(); // every tile in the order of a sweep, or none

        Rows(Tensor a, long first, Tensor b, double margin, SimilarityTiles tiles) => (this.a, this.first, this.b, this.margin, this.tiles) = (a, first, b, margin, tiles);

        /// <summary>(n): log-sum-exp of each row over all N columns.</summary>
        public Tensor LogSumExp { get; private set; } = null!;

        /// <summary>(n): the similarity of each row with its own column, margin taken off.</summary>
        public Tensor Matching { get; private set; } = null!;

        /// <summary>Reads the rows.</summary>
        /// <param name="all">(N, D), without graph; only its rows first .. first+count are looked at as A. Held until the gradient is made.</param>
        /// <param name="first">A multiple of the tiles' group.</param>
        /// <param name="count">A multiple of the tiles' group, or up to the last row.</param>
        /// <param name="columns">(N, D), without graph: B, of all ranks. Held until the gradient is made.</param>
        /// <param name="margin">δ.</param>
        public static Rows Of(Tensor all, long first, long count, Tensor columns, double margin, SimilarityTiles tiles)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(first % tiles.Group, 0L, nameof(first));
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var rows = new Rows(all.narrow(0, first, count), first, columns, margin, tiles)
            {
                LogSumExp = empty(count, all.dtype, all.device),
                Matching = empty(count, all.dtype, all.device),
            };
            rows.Read();
            rows.a.MoveToOuterDisposeScope();
            rows.LogSumExp.MoveToOuterDisposeScope();
            rows.Matching.MoveToOuterDisposeScope();
            foreach (var tile in rows.kept) tile.MoveToOuterDisposeScope();
            return rows;
        }

        // Online log-sum-exp (Milakov and Gimelshein 2018): maximum and sum of exponentials of the columns so far; one logarithm at the end.
        void Read()
        {
            var keep = tiles.Keeps(a.shape[0], b.shape[0], a.ElementSize);
            foreach (var (row, height) in tiles.RowsOf(a.shape[0]))
            {
                using var part = NewDisposeScope();
                var (most, sum) = (full(height, NothingYet, a.dtype, a.device), zeros(height, a.dtype, a.device));
                foreach (var (column, width) in tiles.ColumnsOf(b.shape[0]))
                {
                    using var tile = NewDisposeScope();
                    var similarity = Tile(row, height, column, width);
                    var higher = most.maximum(similarity.amax([1]));
                    sum.mul_((most - higher).exp_()).add_((similarity - higher.unsqueeze(1)).exp_().sum([1]), Scalars.One);
                    most.copy_(higher);
                    var own = Diagonal(similarity, row, column);
                    if (own.shape[0] > 0) Matching.narrow(0, Math.Max(row, column - first), own.shape[0]).copy_(own);
                    if (keep) kept.Enqueue(similarity.MoveToOuterDisposeScope().MoveToOuterDisposeScope());
                }

                LogSumExp.narrow(0, row, height).copy_(sum.log_().add_(most, Scalars.One));
            }
        }

        /// <summary>dL/dA of these rows, (n, D).</summary>
        /// <param name="columnLse">(N): log-sum-exp of every column of S, on this device.</param>
        public Tensor Gradient(Tensor columnLse)
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            using var clips = b.shape[0].ToScalar();
            var gradient = zeros_like(a);
            foreach (var (row, height) in tiles.RowsOf(a.shape[0]))
            {
                using var part = NewDisposeScope();
                var (target, lse) = (gradient.narrow(0, row, height), LogSumExp.narrow(0, row, height).unsqueeze(1));
                foreach (var (column, width) in tiles.ColumnsOf(b.shape[0]))
                {
                    using var tile = NewDisposeScope();
                    using var similarity = kept.Count > 0 ? kept.Dequeue() : Tile(row, height, column, width);
                    var weights = (similarity - lse).exp_();
                    weights.add_(similarity.sub_(columnLse.narrow(0, column, width)).exp_(), Scalars.One);
                    Diagonal(weights, row, column).sub_(Scalars.Two);
                    target.addmm_(weights, b.narrow(0, column, width), 1, 1);
                }

                target.div_(clips);
            }

            return gradient.MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
            foreach (var tile in kept) tile.Dispose();
            a.Dispose();
        }

        Tensor Tile(long row, long height, long column, long width)
        {
            using var delta = margin.ToScalar();
            var similarity = a.narrow(0, row, height).mm(b.narrow(0, column, width).t());
            Diagonal(similarity, row, column).sub_(delta);
            return similarity;
        }

        /// <summary>The matching entries of a tile: a view, of no entries where the diagonal of S does not go through it.</summary>
        Tensor Diagonal(Tensor tile, long row, long column) => tile.diagonal(first + row - column);
    }
}
