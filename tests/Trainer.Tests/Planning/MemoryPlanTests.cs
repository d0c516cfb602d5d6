using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Tests.Training;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class MemoryPlanTests
{
    const double Gigabyte = 1e9;

    [Fact]
    public void The_whole_published_step_on_one_card_needs_what_the_arithmetic_of_its_parts_says()
    {
        // Reference: 53 GB in single precision for 4,096 clips on one GPU, of which 12 MB a clip are activations (a tenth less here: words are pooled without a graph).
        var plan = MemoryPlan.Of(EveryGraph(Published()));
        Assert.InRange(plan.Needs[0].TotalBytes / Gigabyte, 48, 62);
        Assert.InRange(Part(plan, "activations") / 4096.0, 10.5e6, 12.5e6);
        Assert.Equal(8L * 223_776_770, Part(plan, "weights") - (19_458 * 4) + (Part(plan, "optimizer") / 2));
        Assert.Equal(40_960L * 6144 * 4, Part(plan, "queue"));
        Assert.False(plan.Fits(_ => 40L << 30));
        Assert.True(plan.Fits(_ => 80L << 30));
    }

    [Fact]
    public void With_the_gradient_cache_the_published_step_needs_the_graph_of_one_group()
    {
        var cached = MemoryPlan.Of(Published());
        Assert.Equal(Part(MemoryPlan.Of(EveryGraph(Published())), "activations") / 4, Part(cached, "activations"));
        Assert.Equal(2L * 4 * 223_776_770, Part(cached, "gradients")); // the sum of the groups before, and the group's own
        Assert.True(cached.Fits(_ => 40L << 30));
    }

    [Fact]
    public void Four_cards_share_clips_moments_and_losses_and_the_first_one_has_the_clustering()
    {
        // Reference: 1,024 clips a GPU need about 17.5 GB in single precision and 11.3 GB in bf16.
        var config = Published() with { Devices = ["cuda:0", "cuda:1", "cuda:2", "cuda:3"] };
        var (one, four) = (MemoryPlan.Of(EveryGraph(Published())), MemoryPlan.Of(config));
        Assert.Equal(["cuda:0", "cuda:1", "cuda:2", "cuda:3", "cpu"], four.Needs.Select(need => need.Device));
        Assert.Single(four.Needs.Skip(1).Take(3).Select(need => need.TotalBytes).Distinct());
        Assert.DoesNotContain(four.Needs[1].Parts, part => part.Key is "clustering");
        foreach (var part in new[] { "activations", "optimizer", "queue" }) Assert.Equal(Part(one, part) / 4, Part(four, part));
        Assert.InRange(four.Needs[0].TotalBytes / Gigabyte, 16, 22);
        Assert.InRange(MemoryPlan.Of(config with { Precision = "bf16" }).Needs[0].TotalBytes / (double)four.Needs[0].TotalBytes, 0.55, 0.8);
    }

    [Fact]
    public void Each_of_several_replicas_holds_the_embeddings_of_all_clips_while_the_loss_is_computed()
    {
        const long clip = 3L * 6144 * sizeof(float);
        var (clips, own) = (4096, 1024);
        var config = Published() with { Devices = ["cuda:0", "cuda:1", "cuda:2", "cuda:3"] };
        long Embeddings(RunConfig of, int need) => MemoryPlan.Of(of).Needs[need].Parts.Single(part => part.Key == "embeddings").Value;
        // Its own and their gradients; all of them together; on the first the cluster term's gradients too.
        Assert.Equal(clip * ((2 * own) + clips + clips), Embeddings(config, 0));
        Assert.All(Enumerable.Range(1, 3), card => Assert.Equal(clip * ((2 * own) + clips), Embeddings(config, card)));
        Assert.Equal(clip * ((2 * own) + clips), Embeddings(config with { Objective = config.Objective with { Kmeans = false } }, 0));
        // One device has them together anyway; replicas in one memory copy them all the same.
        Assert.Equal(clip * 3 * clips, Embeddings(Published(), 0));
        Assert.Equal(clip * ((2 * clips) + (2 * clips) + clips), Embeddings(Published() with { Devices = ["cpu", "cpu"] }, 0));
    }

    [Fact]
    public void The_loss_needs_two_tiles_and_what_is_kept_of_each_pair_in_both_roles_whatever_the_batch()
    {
        const long mebibyte = 1L << 20;
        var four = Published() with { Devices = ["cuda:0", "cuda:1", "cuda:2", "cuda:3"] };
        Assert.All(MemoryPlan.Of(four).Needs.Take(4), need => Assert.Contains(KeyValuePair.Create("loss", ((2 * 16) + (6 * 16)) * mebibyte), need.Parts));
        Assert.Equal(((2 * 16) + (6 * 64)) * mebibyte, Part(MemoryPlan.Of(four with { Data = four.Data with { BatchSize = 4096 } }), "loss"));
        Assert.Equal(((2 * 16) + (2 * 16)) * mebibyte, Part(MemoryPlan.Of(four with { Objective = four.Objective with { NoAudio = true } }), "loss"));
    }

    [Fact]
    public void Replicas_on_the_CPU_lie_in_one_memory_with_what_the_host_keeps()
    {
        var one = MemoryPlan.Of(Published() with { Devices = ["cpu"] });
        var two = MemoryPlan.Of(Published() with { Devices = ["cpu", "cpu"] });
        Assert.Equal(2, Assert.Single(two.Needs).Replicas);
        Assert.Equal(2 * Part(one, "weights"), Part(two, "weights"));
        Assert.Equal(Part(one, "optimizer"), Part(two, "optimizer"));
        Assert.Equal(2 * MemoryPlan.StateBytes(Published()), Part(two, "snapshots"));
        Assert.Equal(Part(MemoryPlan.Of(Published() with { Devices = ["cpu"] }, snapshots: 1), "snapshots") * 2, Part(two, "snapshots"));
    }

    [Fact]
    public void The_largest_batch_fits_and_the_next_larger_one_does_not()
    {
        bool Fits(RunConfig config, int videos) => MemoryPlan.Of(config with { Data = config.Data with { BatchSize = videos } }).Fits(Card);
        var (every, search) = (EveryGraph(Published()), new BatchSearch(Published(), Card));
        var largest = search.LargestWithEveryGraph();
        Assert.Equal(0, largest % 32); // whole groups of 1,024 clips
        Assert.True(Fits(every, largest));
        Assert.False(Fits(every, largest + 32));
        Assert.InRange(largest, 32, 127);

        var cached = search.LargestWithCache();
        Assert.True(Fits(Published(), cached));
        Assert.False(Fits(Published(), cached + 32));
        Assert.InRange(cached, 4 * 128, 4096);
        Assert.Equal(cached, search.LargestBatch());
        Assert.Equal(0, new BatchSearch(Published(), _ => 2L << 30).LargestBatch());
    }

    [Fact]
    public void Each_device_gets_a_whole_group_whatever_the_batch()
    {
        var config = Published() with { Devices = ["cuda:0", "cuda:1", "cuda:2"] };
        var largest = new BatchSearch(config, Card).LargestBatch() * config.Data.NPair / config.Model.BatchnormGroup;
        Assert.True(largest >= 3);
        Assert.Equal(0, new BatchSearch(config, device => device == "cuda:2" ? 1L << 30 : Card(device)).LargestBatch());
        Assert.True(new BatchSearch(config, Card).LargestGroup() <= config.ClipsPerStep / 3);
    }

    [Fact]
    public void A_card_too_small_for_one_group_is_told_the_largest_group_that_fits()
    {
        long Small(string device) => device == MemoryPlan.Host ? Host : 16L << 30;
        var config = Published();
        Assert.False(MemoryPlan.Of(config).Fits(Small));
        var group = new BatchSearch(config, Small).LargestGroup();
        Assert.Equal(0, config.ClipsPerStep % group);
        RunConfig With(int size) => config with { Model = config.Model with { BatchnormGroup = size } };
        Assert.True(MemoryPlan.Of(With(group)).Fits(Small));
        Assert.False(MemoryPlan.Of(With(group * 2)).Fits(Small));
        Assert.True(new BatchSearch(config, Small).LargestGroup(below: group) < group);
    }

    [Fact]
    public void A_switched_off_part_takes_nothing()
    {
        var config = Published();
        var plain = MemoryPlan.Of(config with { Objective = config.Objective with { Kmeans = false }, Model = config.Model with { Recon = false } });
        Assert.DoesNotContain(plain.Needs[0].Parts, part => part.Key is "queue" or "clustering");
        Assert.True(plain.Needs[0].TotalBytes < MemoryPlan.Of(config).Needs[0].TotalBytes - (1L << 30));
    }

    [Fact]
    public void Memory_of_this_machine_is_told_and_a_card_that_is_not_here_is_named_with_the_way_out()
    {
        var host = DeviceMemory.Of("cpu", TimeProvider.System);
        Assert.InRange(host.FreeBytes, 1, host.TotalBytes);
        var error = Assert.Throws<Shared.UserError>(() => DeviceMemory.Of("cuda:93", TimeProvider.System));
        Assert.Contains("--gpu-memory", error.Message, StringComparison.Ordinal);
    }

    const long Host = 256L << 30;

    static long Card(string device) => device == MemoryPlan.Host ? Host : 40L << 30;

    static RunConfig EveryGraph(RunConfig config) => config with { Optimizer = config.Optimizer with { MicroBatch = config.ClipsPerStep } };

    internal static RunConfig Published()
    {
        using var small = new SmallRun();
        var config = small.Config;
        return config with
        {
            Devices = ["cuda:0"],
            Data = config.Data with { BatchSize = 128, NPair = 32, HowtoAudioFrames = 1000, MaxWords = 20 },
            Model = NetworkSizeTests.Published,
            Objective = config.Objective with { QueueSize = 20, ClusterSize = 256 },
        };
    }

    static long Part(MemoryPlan plan, string name) => plan.Needs[0].Parts.Single(part => part.Key == name).Value;
}
