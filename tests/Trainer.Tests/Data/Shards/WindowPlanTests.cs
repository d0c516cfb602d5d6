using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

public sealed class WindowPlanTests
{
    static readonly int[] ShardOf = [.. Enumerable.Range(0, 1000).Select(video => video * 7919 % 50)]; // 50 shards of 20 videos

    [Fact]
    public void A_window_holds_half_the_memory_and_its_videos_come_from_its_shards()
    {
        var plan = Plan(memory: 1000);
        Assert.Equal(5, plan.ShardsPerWindow); // 100 bytes each
        Assert.Equal((10.0, 100.0), (plan.Togetherness, plan.VideosPerWindow));
        var order = plan.Of(3);
        Assert.Equal(Enumerable.Range(0, 1000), order.Videos.Order());
        Assert.Equal(Enumerable.Range(0, 50), order.Shards.SelectMany(shards => shards).Order());
        for (var place = 0; place < 1000; place++)
        {
            Assert.Contains(ShardOf[order.Videos[place]], order.Shards[order.WindowAt(place)]);
            Assert.Equal(0, order.VisitAt(place));
        }

        Assert.NotEqual(order.Videos, plan.Of(4).Videos);
        Assert.Equal(order.Videos, Plan(1000).Of(3).Videos);
        Assert.NotEqual(order.Videos, Plan(1000, seed: 2).Of(3).Videos);
    }

    [Theory]
    [InlineData(5000, 1)] // all of them: a full shuffle
    [InlineData(1000, 10)] // 5 of 50 shards
    [InlineData(1400, 8)] // 7 of 50, which are cut into equal windows
    [InlineData(200, 50)] // one shard: no shuffle over shards
    public void Two_videos_of_a_batch_come_out_of_one_shard_as_often_as_the_quality_figure_says(long memory, double figure)
    {
        var plan = Plan(memory);
        Assert.Equal(figure, plan.Togetherness);
        const int epochs = 60;
        var together = Enumerable.Range(0, epochs).Sum(epoch => plan.Of(epoch).Videos.Chunk(10).Sum(batch =>
            batch.GroupBy(video => ShardOf[video]).Sum(same => same.Count() * (same.Count() - 1) / 2)));
        var chance = epochs * 100 * 45 * (19 / 999.0); // 45 pairs a batch; of the 999 others 19 are of a video's shard
        Assert.InRange(together / chance, 0.9 * figure, 1.1 * figure);
    }

    [Fact]
    public void When_all_shards_fit_the_order_is_that_of_single_reads()
    {
        var plan = Plan(memory: 5000);
        Assert.True(plan.IsResident);
        Assert.Equal(1, plan.Togetherness);
        Assert.Equal(new CounterRandom(1, RandomPurpose.VideoOrder, 2).Permutation(1000), plan.Of(2).Videos);
    }

    [Fact]
    public void With_echo_a_window_is_gone_through_so_often()
    {
        var order = Plan(memory: 1000, echo: 3).Of(0);
        Assert.Equal(3000, order.Videos.Length);
        for (var window = 0; window < order.WindowStarts.Length; window++)
        {
            var places = Enumerable.Range(order.WindowStarts[window], order.EndOf(window) - order.WindowStarts[window]).ToList();
            foreach (var visit in places.GroupBy(order.VisitAt)) Assert.Equal(places.Count / 3, visit.Select(place => order.Videos[place]).Distinct().Count());
            Assert.Equal([0, 1, 2], places.Select(order.VisitAt).Distinct());
        }
    }

    static WindowPlan Plan(long memory, long seed = 1, int echo = 1) => new(seed, [.. Enumerable.Repeat(100L, 50)], ShardOf, memory, echo);
}
