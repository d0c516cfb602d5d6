using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class GradientSumTests
{
    [Fact]
    public void The_sum_is_the_same_to_the_last_bit_however_the_groups_are_dealt()
    {
        using var scope = NewDisposeScope();
        using var wide = 1e4.ToScalar();
        for (var count = 1; count <= 40; count += count < 20 ? 1 : 5)
        {
            var gradients = Enumerable.Range(0, count).Select(_ => randn(50) * wide).ToArray();
            var groups = new ClipGroups(count * 2, count);
            var one = Sum(gradients, groups, ranks: 1);
            for (var ranks = 2; ranks <= Math.Min(count, 9); ranks++) Assert.True(one.Equals(Sum(gradients, groups, ranks)), $"{count} groups on {ranks} ranks");
            Assert.True(one.allclose(stack(gradients).sum([0L]), 1e-4, 1e-1), $"{count} groups");
        }
    }

    [Fact]
    public void The_tree_differs_from_adding_one_after_another_so_that_the_order_matters_here()
    {
        using var scope = NewDisposeScope();
        using var wide = 1e4.ToScalar();
        var gradients = Enumerable.Range(0, 8).Select(_ => randn(1000) * wide).ToArray();

        Assert.False(Sum(gradients, new ClipGroups(16, 8), ranks: 1).Equals(gradients.Aggregate((sum, next) => sum.Plus(next))));
    }

    [Fact]
    public void A_rank_holds_no_more_sums_than_the_tree_is_high()
    {
        using var scope = NewDisposeScope();
        var sum = new GradientSum();
        for (var group = 0; group < 100; group++)
        {
            sum.Add(new GradientSum.Part(group, 1, [ones(1)]));
            Assert.True(sum.Parts.Count <= Math.Ceiling(Math.Log2(group + 2) / 2), $"{sum.Parts.Count} sums of {group + 1} groups");
        }

        Assert.Equal(100, sum.Total()[0]!.item<float>());
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(0, 100)]
    [InlineData(5, 40)]
    [InlineData(21, 43)]
    public void What_the_plan_counts_is_what_a_rank_holds(int first, int end)
    {
        using var scope = NewDisposeScope();
        var sum = new GradientSum();
        var most = 0;
        for (var group = first; group < end; group++)
        {
            most = Math.Max(most, sum.Parts.Count + 1);
            sum.Add(new GradientSum.Part(group, 1, [ones(1)]));
        }

        Assert.Equal(most, SumOrder.MostHeld(first, end));
    }

    [Fact]
    public void A_parameter_without_gradient_in_some_groups_gets_the_sum_of_the_others()
    {
        using var scope = NewDisposeScope();
        var sum = new GradientSum();
        Tensor?[] gradients = [null, ones(1), null, ones(1), null];
        for (var group = 0; group < gradients.Length; group++) sum.Add(new GradientSum.Part(group, 1, [gradients[group], null]));

        var total = sum.Total();
        Assert.Equal(2, total[0]!.item<float>());
        Assert.Null(total[1]);
    }

    static Tensor Sum(Tensor[] gradients, ClipGroups groups, int ranks)
    {
        var total = new GradientSum();
        for (var rank = 0; rank < ranks; rank++)
        {
            var (own, range) = (new GradientSum(), groups.OfRank(rank, ranks));
            for (var group = range.First; group < range.End; group++) own.Add(new GradientSum.Part(group, 1, [gradients[group].clone()]));
            foreach (var part in own.Parts) total.Add(part);
        }

        return total.Total()[0]!;
    }
}
