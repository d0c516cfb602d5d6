using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class ReplicaTeamTests
{
    const int Steps = 20;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(6, 2)]
    [InlineData(6, 4)]
    [InlineData(4, 3)] // 6 groups: 2 each
    [InlineData(4, 4)] // 6 groups: 1, 2, 1, 2
    public void Weights_moments_queue_and_losses_are_the_same_to_the_last_bit_on_any_number_of_replicas(int group, int replicas)
    {
        var one = RandomBatches.Train(RandomBatches.Config(group), Steps);
        var several = RandomBatches.Train(Several(group, replicas), Steps);

        Assert.Equal(one.Losses, several.Losses);
        SmallRun.AssertSameTensors(one.State, several.State);
        Assert.Contains("queue", one.State.Keys);
        Assert.NotEqual(one.Losses[0], one.Losses[^1]);
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

    static RunConfig Several(int group, int replicas) => RandomBatches.Config(group, 0, [.. Enumerable.Repeat("cpu", replicas)]);
}
