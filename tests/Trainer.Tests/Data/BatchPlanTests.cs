using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class BatchPlanTests
{
    [Fact]
    public void An_epoch_holds_each_video_at_most_once_and_drops_the_rest()
    {
        var plan = new BatchPlan(1, videos: 107, batchSize: 10);
        Assert.Equal(10, plan.StepsPerEpoch);
        var seen = Epoch(plan, 0);
        Assert.Equal(100, seen.Distinct().Count());
        Assert.All(seen, video => Assert.InRange(video, 0, 106));
        Assert.NotEqual(seen, Epoch(plan, 1));
        Assert.NotEqual(Epoch(plan, 0).Order(), Epoch(plan, 1).Order()); // other videos are left over
    }

    [Fact]
    public void A_batch_is_the_same_whatever_was_asked_before()
    {
        var (first, second) = (new BatchPlan(1, 50, 7), new BatchPlan(1, 50, 7));
        Epoch(first, 3);
        Epoch(first, 0);
        Assert.Equal(Step(second, 5, 2), Step(first, 5, 2));
        Assert.NotEqual(Step(new BatchPlan(2, 50, 7), 5, 2), Step(first, 5, 2));
    }

    [Fact]
    public void Positions_follow_each_other()
    {
        var plan = new BatchPlan(1, 10, 5);
        Assert.Equal((0, 1), plan.After(0, 0));
        Assert.Equal((1, 0), plan.After(0, 1));
    }

    [Fact]
    public void Refuses_a_batch_larger_than_the_list() =>
        Assert.Contains("data.batch_size", Assert.Throws<UserError>(() => new BatchPlan(1, 4, 5)).Message, StringComparison.Ordinal);

    static int[] Epoch(BatchPlan plan, int epoch) => [.. Enumerable.Range(0, plan.StepsPerEpoch).SelectMany(step => Step(plan, epoch, step))];

    static int[] Step(BatchPlan plan, int epoch, int step)
    {
        var videos = new int[plan.BatchSize];
        plan.VideosOf(epoch, step, videos);
        return videos;
    }
}
