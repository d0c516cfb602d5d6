using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class MaskedMarginSoftmaxTests
{
    // Large, so that a margin taken off anywhere else than on the diagonal shows.
    const double Margin = 0.3;

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(5, 7, 0)] // the diagonal crosses tiles at their edges; the last row and the last column of tiles are smaller
    [InlineData(5, 7, 1 << 20)] // every tile is kept
    [InlineData(16, 3, 0)]
    [InlineData(3, 16, 0)]
    [InlineData(37, 4, 0)]
    [InlineData(4, 37, 0)]
    [InlineData(37, 37, 0)]
    public void Tiles_give_what_the_dense_form_gives(long rows, long columns, long keptBytes)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var two = 2.ToScalar();
        var (a, b) = (randn(37, 16, ScalarType.Float64) * two, randn(37, 16, ScalarType.Float64));
        EqualsDense(a, b, new SimilarityTiles(37, rows, columns, keptBytes), 1e-12);
        EqualsDense(a.to(ScalarType.Float32), b.to(ScalarType.Float32), new SimilarityTiles(37, rows, columns, keptBytes), 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 1e-4)] // a log-sum-exp of 1,000 in single precision is known to 6e-5
    public void Dot_products_of_plus_and_minus_a_thousand_overflow_nowhere(ScalarType type, double limit)
    {
        using var scope = NewDisposeScope();
        const int clips = 24;

        // S_ij = ±1000 + i·j / 64, exact in both types: rows far below zero and far above, each with a maximum that every tile raises.
        using var fraction = 64.ToScalar();
        using var end = clips.ToScalar();
        var (sign, index) = (ones(clips, type), arange(Scalars.Zero, end, Scalars.One, type));
        sign.view(-1, 2).narrow(1, 1, 1).neg_();
        using var thousand = 1000.ToScalar();
        var a = stack([sign * thousand, index / fraction], 1);
        var b = stack([ones(clips, type), index], 1);
        foreach (var tiles in new[] { new SimilarityTiles(clips, 5, 7), new SimilarityTiles(clips, clips, clips) })
        {
            EqualsDense(a, b, tiles, limit);
            EqualsDense(b, a, tiles, limit);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 12, 48)] // one tile of columns, a group's rows at a time
    [InlineData(ScalarType.Float32, 12, 48)]
    [InlineData(ScalarType.Float64, 5, 7)] // tiles end within a group, and columns of two ranks share one
    [InlineData(ScalarType.Float32, 5, 7)]
    public void Rows_split_over_ranks_give_the_same_bits_for_any_number_of_ranks_and_whatever_is_kept(ScalarType type, long tileRows, long tileColumns)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        const int clips = 48;
        const int group = 12; // ranks own whole groups
        var (a, b) = (randn(clips, 20, type), randn(clips, 20, type));
        var tiles = new SimilarityTiles(group, tileRows, tileColumns);
        var whole = MaskedMarginSoftmax.LossAndGradients(a, b, Margin, tiles);
        EqualsDense(a, b, tiles, type == ScalarType.Float64 ? 1e-12 : 1e-5);
        foreach (var ranks in new[] { 1, 2, 3, 4 })
            foreach (var kept in new[] { 0, SimilarityTiles.MostKeptBytes }) // with four ranks, of one group each
            {
                var several = Split(ranks, tiles with { KeptBytes = kept });
                Assert.True(whole.Loss.Equals(several.Loss) && whole.GradientA.Equals(several.GradientA) && whole.GradientB.Equals(several.GradientB), $"{ranks} ranks, {kept} bytes kept");
            }

        (Tensor Loss, Tensor GradientA, Tensor GradientB) Split(int ranks, SimilarityTiles tiles)
        {
            long First(int rank) => clips / group * rank / ranks * group;
            MaskedMarginSoftmax.Rows RowsOf(int rank, Tensor all, Tensor columns) =>
                MaskedMarginSoftmax.Rows.Of(all, First(rank), First(rank + 1) - First(rank), columns, Margin, tiles);
            var rows = Enumerable.Range(0, ranks).Select(rank => (A: RowsOf(rank, a, b), B: RowsOf(rank, b, a))).ToList();
            var rowLse = cat([.. rows.Select(pair => pair.A.LogSumExp)]);
            var columnLse = cat([.. rows.Select(pair => pair.B.LogSumExp)]);
            return (MaskedMarginSoftmax.Loss(rowLse, columnLse, cat([.. rows.Select(pair => pair.A.Matching)])),
                cat([.. rows.Select(pair => pair.A.Gradient(columnLse))]), cat([.. rows.Select(pair => pair.B.Gradient(rowLse))]));
        }
    }

    [Theory]
    [InlineData(SimilarityTiles.MostKeptBytes)]
    [InlineData(0)]
    public void Nothing_of_a_loss_stays_behind_but_what_it_returns(long keptBytes)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(30, 8), randn(30, 8));
        var before = scope.DisposablesCount;
        MaskedMarginSoftmax.LossAndGradients(a, b, 0.001, new SimilarityTiles(30, 10, 7, keptBytes));
        Assert.Equal(before + 3, scope.DisposablesCount);
    }

    [Theory]
    [InlineData(15, 15, 15 * 30 * sizeof(float), 10)] // all: twice five tiles
    [InlineData(15, 15, (15 * 30 * sizeof(float)) - 1, 0)]
    [InlineData(10, 20, 20 * 30 * sizeof(float), 0)] // two groups
    public void A_rank_with_one_group_keeps_what_may_be_kept_and_frees_it_when_nobody_wants_the_gradient(long group, long count, long keptBytes, int tiles)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(30, 8), randn(30, 8));
        var before = scope.DisposablesCount;
        var rows = MaskedMarginSoftmax.Rows.Of(a, 30 - count, count, b, 0.001, new SimilarityTiles(group, 10, 7, keptBytes));
        Assert.Equal(before + 3 + tiles, scope.DisposablesCount); // its view of A and the two statistics
        rows.Dispose();
        Assert.Equal(before + 2, scope.DisposablesCount);
    }

    static void EqualsDense(Tensor a, Tensor b, SimilarityTiles tiles, double limit)
    {
        var (leafA, leafB) = (a.to(ScalarType.Float64).detach().clone().requires_grad_(true), b.to(ScalarType.Float64).detach().clone().requires_grad_(true));
        using var two = 2.ToScalar();
        using var margin = Margin.ToScalar();
        using var clips = a.shape[0].ToScalar();
        var s = leafA.mm(leafB.t()) - (eye(a.shape[0], dtype: ScalarType.Float64) * margin);
        var dense = (s.logsumexp(1).Plus(s.logsumexp(0)).sum() - (s.diagonal().sum() * two)) / clips;
        dense.backward();

        var (loss, gradientA, gradientB) = MaskedMarginSoftmax.LossAndGradients(a, b, Margin, tiles);

        var (value, expected) = (loss.to(ScalarType.Float64).item<double>(), dense.item<double>());
        Assert.True(Math.Abs(value - expected) <= limit * Math.Max(1, Math.Abs(expected)), $"loss: {value} instead of {expected}");
        GoldenSet.Near(gradientA, leafA.grad!, limit, "dA");
        GoldenSet.Near(gradientB, leafB.grad!, limit, "dB");
    }
}
