using Mcn.Web.Trainer.Evaluation;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Evaluation;

public sealed class RetrievalMetricsTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void The_originals_counting_is_reproduced_with_ties_and_both_denominators(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("metrics");
        var compared = 0;
        foreach (var expected in golden.Json("metrics.json").GetProperty("compute_metrics").EnumerateArray())
        {
            var matrix = arrays[expected.GetProperty("matrix").GetString()!];
            if (expected.GetProperty("eval_lang_retrieval").GetInt32() == 1) matrix = matrix.t().contiguous();
            var standings = RetrievalEvaluator.Stand(matrix, eye(matrix.shape[0]));
            var ranks = RetrievalMetrics.OptimisticRanks(standings);
            var denominator = expected.GetProperty("eval_msrvtt").GetInt32() == 1 ? 1000 : (int)matrix.shape[0];
            var figures = RetrievalMetrics.Figures(ranks, denominator);

            Assert.Equal(expected.GetProperty("n_matches").GetInt32(), ranks.Length);
            Assert.Equal(expected.GetProperty("R1").GetDouble(), figures.R1, 1e-12);
            Assert.Equal(expected.GetProperty("R5").GetDouble(), figures.R5, 1e-12);
            Assert.Equal(expected.GetProperty("R10").GetDouble(), figures.R10, 1e-12);
            Assert.Equal(expected.GetProperty("MR").GetDouble(), figures.MedR, 1e-12);
            compared++;
        }

        Assert.True(compared >= 16);
    }

    [Fact]
    public void Ties_are_averaged_by_default()
    {
        var ranks = RetrievalMetrics.AveragedRanks(new Standings([0, 3], [2, 0]));
        Assert.Equal([2.0, 4.0], ranks);
    }

    [Fact]
    public void A_network_that_gives_NaN_or_the_same_to_everything_does_not_look_good()
    {
        using var scope = NewDisposeScope();
        var nothing = RetrievalEvaluator.Stand(tensor(Enumerable.Repeat(float.NaN, 80).ToArray(), [20, 4]), randn(20, 4));
        Assert.All(RetrievalMetrics.AveragedRanks(nothing), rank => Assert.Equal(20, rank));
        var collapsed = RetrievalEvaluator.Stand(ones(21, 4), ones(21, 4));
        Assert.All(RetrievalMetrics.AveragedRanks(collapsed), rank => Assert.Equal(11, rank));
    }

    [Fact]
    public void The_interval_of_a_recall_covers_it_and_has_the_width_of_a_binomial()
    {
        var ranks = Enumerable.Range(0, 500).Select(i => i % 4 == 0 ? 1.0 : 20.0).ToArray();
        var random = new Trainer.Data.CounterRandom(1, Trainer.Data.RandomPurpose.Bootstrap);
        var interval = RetrievalMetrics.Intervals(ranks, 2000, random.Next)["r1"];
        var halfWidth = 1.96 * Math.Sqrt(0.25 * 0.75 / 500);
        Assert.Equal(0.25 - halfWidth, interval[0], 0.01);
        Assert.Equal(0.25 + halfWidth, interval[1], 0.01);
    }

    [Fact]
    public void Blocks_of_queries_do_not_change_where_the_right_item_stands()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var (queries, gallery) = (randn(1100, 8), randn(1100, 8));
        var similarity = queries.mm(gallery.t());
        var expected = similarity.gt(similarity.diagonal().unsqueeze(1)).sum([1L]).data<long>().Select(count => (int)count);
        Assert.Equal(expected, RetrievalEvaluator.Stand(queries, gallery).Greater);
    }
}
