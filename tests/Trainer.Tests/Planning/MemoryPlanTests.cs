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
        // Reference: 53 GB in single precision for 4,096 clips on one GPU, of which 12 MB a clip are activations.
        var plan = MemoryPlan.Of(Published());
        Assert.InRange(plan.TotalBytes / Gigabyte, 48, 60);
        Assert.Equal(16L * 223_776_770, Part(plan, "weights") - (19_458 * 4) + Part(plan, "gradients") + Part(plan, "optimizer"));
        Assert.Equal(40_960L * 6144 * 4, Part(plan, "queue"));
        Assert.False(plan.Fits(40L << 30));
        Assert.True(plan.Fits(80L << 30));
    }

    [Fact]
    public void The_largest_batch_fits_and_one_video_more_does_not()
    {
        var config = Published();
        var largest = MemoryPlan.LargestBatch(config, 40L << 30);
        Assert.InRange(largest, 32, 127);
        Assert.True(MemoryPlan.Of(config, largest).Fits(40L << 30));
        Assert.False(MemoryPlan.Of(config, largest + 1).Fits(40L << 30));
        Assert.Equal(0, MemoryPlan.LargestBatch(config, 2L << 30));
    }

    [Fact]
    public void A_switched_off_part_takes_nothing()
    {
        var config = Published();
        var plain = MemoryPlan.Of(config with { Objective = config.Objective with { Kmeans = false }, Model = config.Model with { Recon = false } });
        Assert.DoesNotContain(plain.Parts, part => part.Key is "queue" or "clustering");
        Assert.True(plain.TotalBytes < MemoryPlan.Of(config).TotalBytes - (3L << 30));
    }

    [Fact]
    public void Memory_of_this_machine_is_told_and_a_card_that_is_not_here_is_named_with_the_way_out()
    {
        var host = DeviceMemory.Of("cpu", TimeProvider.System);
        Assert.InRange(host.FreeBytes, 1, host.TotalBytes);
        var error = Assert.Throws<Shared.UserError>(() => DeviceMemory.Of("cuda:93", TimeProvider.System));
        Assert.Contains("--gpu-memory", error.Message, StringComparison.Ordinal);
    }

    static RunConfig Published()
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

    static long Part(MemoryPlan plan, string name) => plan.Parts.Single(part => part.Key == name).Value;
}
