using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class GradientCacheTests
{
    [Theory]
    [InlineData(24)]
    [InlineData(12)]
    [InlineData(8)]
    [InlineData(2)]
    public void Encoding_twice_gives_the_gradient_of_one_graph_over_all_groups(int group)
    {
        using var scope = NewDisposeScope();
        var config = RandomBatches.Config(group);
        using var team = RandomBatches.Team(config);
        var rank = team.Lead;
        using var clusters = new OnlineClusters(config, [CPU], RandomBatches.FirstRows);
        var objective = new McnObjective(config, clusters);
        var groups = ClipGroups.Of(config);
        var clips = HostClips.From(RandomBatches.Batch(config, 0));

        var pass = new GroupPass(rank, clips, groups, groups.OfRank(0, 1), held: 1);
        var (video, audio, text) = pass.Encode();
        var (loss, gradients) = objective.Differentiate(video, audio, text, 0, 0);
        var reconstruction = pass.Backward(objective, gradients);
        var cached = pass.Sum?.Total() ?? [.. rank.Parameters.Select(parameter => parameter.Value.grad)];
        foreach (var (_, parameter) in rank.Parameters) parameter.grad = null;

        var whole = Enumerable.Range(0, groups.Count).Select(g => rank.Network.Encode(rank.ToDevice(clips, g * group, group), reconstruct: true)).ToArray();
        var dense = Dense(whole, clusters, config.Objective.Margin);
        dense.backward();

        var total = loss.Total.Plus(reconstruction.Aggregate((sum, part) => sum.Plus(part))).item<float>();
        Assert.Equal(dense.item<float>(), total, 1e-5 * Math.Abs(total));
        Assert.Equal(groups.Count, reconstruction.Count);
        for (var i = 0; i < cached.Length; i++) GoldenSet.Near(cached[i]!, rank.Parameters[i].Value.grad!, 1e-5, rank.Parameters[i].Name);
    }

    [Theory]
    [InlineData(8, 8)]
    [InlineData(8, 16)]
    [InlineData(2, 4)]
    [InlineData(2, 14)]
    public void Memory_for_fewer_graphs_changes_no_bit(int group, int microBatch)
    {
        var everything = RandomBatches.Train(RandomBatches.Config(group, microBatch: 24), steps: 8);
        var cached = RandomBatches.Train(RandomBatches.Config(group, microBatch), steps: 8);

        Assert.Equal(everything.Losses, cached.Losses);
        SmallRun.AssertSameTensors(everything.State, cached.State);
    }

    [Fact]
    public void The_running_statistics_move_once_a_step_with_the_first_group()
    {
        using var scope = NewDisposeScope();
        var config = RandomBatches.Config(group: 8);
        using var team = RandomBatches.Team(config);
        using var other = RandomBatches.Team(config);
        var batch = RandomBatches.Batch(config, 0);

        team.Step(batch, 1e-3, read: false);
        other.Lead.Network.Encode(other.Lead.ToDevice(HostClips.From(batch), 0, 8), reconstruct: false);

        var (actual, expected) = (team.Lead.Network.state_dict(), other.Lead.Network.state_dict());
        var statistics = expected.Keys.Where(name => name.Contains("running_", StringComparison.Ordinal) || name.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(statistics);
        Assert.All(statistics, name => Assert.True(actual[name].Equals(expected[name]), name));
        Assert.Equal(1, actual["DAVEnet.bn1.num_batches_tracked"].item<long>());
    }

    [Fact]
    public void The_group_decides_the_numbers()
    {
        var one = RandomBatches.Train(RandomBatches.Config(group: 24), steps: 1);
        var three = RandomBatches.Train(RandomBatches.Config(group: 8), steps: 1);

        Assert.NotEqual(one.Losses[0], three.Losses[0]);
    }

    /// <summary>The loss by plain tensor operations and autograd, with the clusters as they are.</summary>
    static Tensor Dense(Embeddings[] groups, OnlineClusters clusters, double margin)
    {
        using var delta = margin.ToScalar();
        using var three = 3.ToScalar();
        using var fifty = 50.ToScalar();
        var (v, a, t) = (cat([.. groups.Select(g => g.Video)], 0), cat([.. groups.Select(g => g.Audio)], 0), cat([.. groups.Select(g => g.Text)], 0));
        var own = eye(v.shape[0]) * delta;
        Tensor Contrast(Tensor x, Tensor y)
        {
            var s = x.mm(y.t()) - own;
            return (s.logsumexp(1) - s.diagonal()).mean().Plus((s.logsumexp(0) - s.diagonal()).mean());
        }

        var labels = SphericalKMeans.Assign((v.Plus(a).Plus(t) / three).detach(), clusters.Centroids!).unsqueeze(1);
        Tensor Cluster(Tensor x)
        {
            var s = x.mm(clusters.Centroids!.t());
            s = s - (zeros_like(s).scatter(1, labels, ones_like(s)) * delta);
            return (s.logsumexp(1) - s.gather(1, labels).squeeze(1)).mean();
        }

        return Contrast(t, v).Plus(Contrast(a, t)).Plus(Contrast(a, v)).Plus(Cluster(v).Plus(Cluster(a)).Plus(Cluster(t)) / three)
            .Plus(cat([.. groups.Select(g => g.ReconstructionError!)], 0).mean() * fifty);
    }
}
