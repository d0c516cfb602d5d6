using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class LossTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Masked_margin_softmax_and_its_gradient_equal_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("losses");
        foreach (var loss in golden.Json("losses.json").GetProperty("mms").EnumerateArray())
        {
            var name = loss.GetProperty("name").GetString()!;
            var similarity = arrays[$"{name}_S"];

            // With B = I, S = A Bᵀ is A itself and dL/dA is the gradient in the similarities.
            var (value, gradient, _) = MaskedMarginSoftmax.LossAndGradients(
                similarity, eye(similarity.shape[0]), loss.GetProperty("margin").GetDouble());

            Near(value, loss.GetProperty("loss").GetDouble(), 1e-5, name);
            Assert.True(GoldenSet.Distance(gradient, arrays[$"{name}_dS"]) < 1e-4 || arrays[$"{name}_dS"].norm().item<float>() < 1e-6, name);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    public void Blocks_of_rows_give_what_the_dense_form_gives(long blockRows)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var two = 2.ToScalar();
        using var margin = 0.001.ToScalar();
        using var rows = 37.ToScalar();
        var a = (randn(37, 16, ScalarType.Float64) * two).requires_grad_(true);
        var b = randn(37, 16, ScalarType.Float64).requires_grad_(true);
        var s = a.mm(b.t()) - (eye(37, dtype: ScalarType.Float64) * margin);
        var dense = (s.logsumexp(1).Plus(s.logsumexp(0)).sum() - (s.diagonal().sum() * two)) / rows;
        dense.backward();

        var (loss, gradientA, gradientB) = MaskedMarginSoftmax.LossAndGradients(a.detach(), b.detach(), 0.001, blockRows);

        Near(loss, dense.item<double>(), 1e-12, "loss");
        GoldenSet.Near(gradientA, a.grad!, 1e-12, "dA");
        GoldenSet.Near(gradientB, b.grad!, 1e-12, "dB");
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Rows_split_over_ranks_give_the_dense_form_and_the_same_bits_for_any_number_of_ranks(ScalarType type, double limit)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        const int clips = 48;
        const int group = 12; // ranks own whole groups
        var (a, b) = (randn(clips, 20, type), randn(clips, 20, type));
        var (loss, denseA, denseB) = MaskedMarginSoftmax.LossAndGradients(a, b, 0.001);
        var one = Split(1);
        Near(one.Loss, loss.to(ScalarType.Float64).item<double>(), limit, "loss");
        GoldenSet.Near(one.GradientA, denseA, limit, "dA");
        GoldenSet.Near(one.GradientB, denseB, limit, "dB");
        foreach (var ranks in new[] { 2, 4 })
        {
            var several = Split(ranks);
            Assert.True(one.Loss.Equals(several.Loss) && one.GradientA.Equals(several.GradientA) && one.GradientB.Equals(several.GradientB), $"{ranks} ranks");
        }

        (Tensor Loss, Tensor GradientA, Tensor GradientB) Split(int ranks)
        {
            var share = clips / ranks;
            var height = MaskedMarginSoftmax.BlockRows(clips, a.ElementSize, group);
            var rows = Enumerable.Range(0, ranks).Select(rank => (
                A: MaskedMarginSoftmax.Rows.Of(a, rank * share, share, b, 0.001, height),
                B: MaskedMarginSoftmax.Rows.Of(b, rank * share, share, a, 0.001, height))).ToList();
            var rowLse = cat([.. rows.Select(pair => pair.A.LogSumExp)]);
            var columnLse = cat([.. rows.Select(pair => pair.B.LogSumExp)]);
            return (MaskedMarginSoftmax.Loss(rowLse, columnLse, cat([.. rows.Select(pair => pair.A.Matching)])),
                cat([.. rows.Select(pair => pair.A.Gradient(columnLse))]), cat([.. rows.Select(pair => pair.B.Gradient(rowLse))]));
        }
    }

    [Theory]
    [InlineData(4096, 4, 1024, 1024)] // the paper's: 16 MB a group
    [InlineData(32768, 4, 1024, 512)]
    [InlineData(131072, 4, 1024, 128)]
    [InlineData(4096, 4, 4096, 4096)]
    [InlineData(8192, 8, 1000, 1000)]
    [InlineData(100_000, 4, 1000, 125)]
    public void A_block_divides_the_group_and_stays_within_its_bytes(long clips, long elementBytes, long unit, long expected)
    {
        var rows = MaskedMarginSoftmax.BlockRows(clips, elementBytes, unit);
        Assert.Equal(expected, rows);
        Assert.Equal(0, unit % rows);
        Assert.InRange(rows * clips * elementBytes, 1, MaskedMarginSoftmax.BlockBytes);
    }

    [Fact]
    public void Nothing_of_a_loss_stays_behind_but_what_it_returns()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (randn(30, 8), randn(30, 8));
        var before = scope.DisposablesCount;
        var (loss, gradientA, gradientB) = MaskedMarginSoftmax.LossAndGradients(a, b, 0.001, blockRows: 10);
        Assert.Equal(before + 3, scope.DisposablesCount);
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Centroid_contrast_and_its_gradient_equal_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("losses");
        foreach (var loss in golden.Json("losses.json").GetProperty("cluster").EnumerateArray())
        {
            var name = loss.GetProperty("name").GetString()!;
            var (value, gradient) = CentroidContrast.LossAndGradient(
                arrays[$"{name}_emb"], arrays[$"{name}_centroids"], arrays[$"{name}_labels"].to(ScalarType.Int64), 0.001);
            Near(value, loss.GetProperty("loss").GetDouble(), 1e-5, name);
            GoldenSet.Near(gradient, arrays[$"{name}_demb"], 1e-4, name);
        }
    }

    static void Near(Tensor actual, double expected, double limit, string what)
    {
        var value = actual.to(ScalarType.Float64).item<double>();
        Assert.True(Math.Abs(value - expected) <= limit * Math.Max(1, Math.Abs(expected)), $"{what}: {value} instead of {expected}");
    }
}
