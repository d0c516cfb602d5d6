using System.Collections.Concurrent;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class ReplicaTeamTests
{
    const int Steps = 20;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // One replica with the graph of the whole step, by the size of a BatchNorm group.
    static readonly ConcurrentDictionary<int, Lazy<(Dictionary<string, byte[]> State, double[] Losses)>> WithoutCache = new();

    [Theory]
    [InlineData(6, 1, 6)] // 4 groups, one graph held: a gradient cache
    [InlineData(6, 2, 6)] // 2 groups each, one graph held
    [InlineData(6, 2, 12)] // 2 groups each, both held
    [InlineData(6, 4, 6)] // 1 group each
    [InlineData(4, 3, 4)] // 6 groups: 2 each, one graph held
    [InlineData(4, 4, 8)] // 6 groups: 1, 2, 1, 2, all held
    public void Weights_moments_queue_and_losses_are_the_same_to_the_last_bit_on_any_number_of_replicas_with_and_without_gradient_cache(int group, int replicas, int microBatch)
    {
        var one = WithoutCache.GetOrAdd(group, _ => new(() => RandomBatches.Train(RandomBatches.Config(group, microBatch: 24), Steps))).Value;
        var several = RandomBatches.Train(Several(group, replicas, microBatch), Steps);

        Assert.Equal(one.Losses, several.Losses);
        SmallRun.AssertSameTensors(one.State, several.State);
        Assert.Contains("queue.1", one.State.Keys);
        Assert.NotEqual(one.Losses[0], one.Losses[^1]);
    }

    [Theory]
    [InlineData(12, 2)] // both of rank 0's groups fit: each is encoded once
    [InlineData(6, 3)] // one does: the other is encoded again with graph
    public void The_graph_is_kept_and_nothing_computed_twice_where_it_fits(int microBatch, int encodings)
    {
        using var team = RandomBatches.Team(Several(group: 6, replicas: 2, microBatch));
        var counted = 0;
        team.Lead.Network.modules().OfType<AudioTower>().Single().register_forward_hook((_, _, output) =>
        {
            counted++;
            return output;
        });

        team.Step(RandomBatches.Batch(team.Config, 0), 1e-3, read: false);

        Assert.Equal(encodings, counted);
    }

    [Fact]
    public void Each_replica_holds_a_share_of_the_moments_and_all_have_the_same_weights()
    {
        using var team = RandomBatches.Team(Several(group: 6, replicas: 4));
        for (var step = 0; step < 3; step++) team.Step(RandomBatches.Batch(team.Config, step), 1e-3, read: false);

        Assert.Equal(team.Lead.Parameters.Select(parameter => parameter.Name), team.Moments.Select(moment => moment.Name));
        Assert.Equal(3, team.AdamSteps);
        var elements = team.Lead.Parameters.Select(parameter => parameter.Value.NumberOfElements).ToArray();
        var shares = GradientExchange.Owners(elements, 4).Zip(elements).GroupBy(pair => pair.First).Select(share => share.Sum(pair => pair.Second)).ToArray();
        Assert.Equal(4, shares.Length);
        Assert.True(shares.Max() <= Math.Max(elements.Max(), 1.1 * elements.Sum() / 4), string.Join(", ", shares));
    }

    [Fact]
    public void A_replica_that_fails_is_named_and_everybody_leaves()
    {
        using var team = RandomBatches.Team(Several(group: 6, replicas: 4));
        team.Step(RandomBatches.Batch(team.Config, 0), 1e-3, read: false);
        var bad = RandomBatches.Batch(team.Config, 1);
        bad.Tokens[12 * team.Config.Data.MaxWords] = 1_000_000; // no such word; clip 12 is the first of group 2

        var failure = Assert.Throws<RankFailedException>(() => team.Step(bad, 1e-3, read: false));

        Assert.StartsWith("rank 2 (cpu) failed: ", failure.Message, StringComparison.Ordinal);
        Assert.IsType<IndexOutOfRangeException>(failure.InnerException);
        Assert.Throws<RankFailedException>(() => team.Step(RandomBatches.Batch(team.Config, 2), 1e-3, read: false));
    }

    [Fact]
    public async Task A_replica_that_is_stuck_is_named_after_a_bounded_time()
    {
        using var release = new ManualResetEventSlim();
        var config = Several(group: 6, replicas: 2);
        using var team = new ReplicaTeam(config, RandomBatches.Words(config), (rows, clusters, epoch, step) =>
        {
            release.Wait(); // rank 0, in k-means
            return RandomBatches.FirstRows(rows, clusters, epoch, step);
        }, patience: Patience);

        var stuck = Task.Run(() => team.Step(RandomBatches.Batch(config, 0), 1e-3, read: false), TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => team.Failure is not null, 5 * Patience), "nobody noticed");
        release.Set();

        var failure = await Assert.ThrowsAsync<RankFailedException>(() => stuck);
        Assert.Equal("rank 0 (cpu) did not come to the exchange of the loss within 2 s", failure.Message);
    }

    static RunConfig Several(int group, int replicas, int microBatch = 0) => RandomBatches.Config(group, microBatch, [.. Enumerable.Repeat("cpu", replicas)]);
}
