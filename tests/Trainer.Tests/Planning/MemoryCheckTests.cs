using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Tests.Training;
using Mcn.Web.Trainer.Tests.Verbs;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class MemoryCheckTests
{
    [Fact]
    public void A_run_above_its_share_of_the_free_memory_is_refused_with_the_sizes_that_would_fit()
    {
        var config = MemoryPlanTests.Published();
        var error = Assert.Throws<UserError>(() => Check(config with { Optimizer = config.Optimizer with { MicroBatch = 4096 } }, card: 40L << 30));
        Assert.Equal(ExitCodes.DeviceMemory, error.ExitCode);
        Assert.Contains("micro_batch 0", error.Message, StringComparison.Ordinal);
        Assert.Matches(@"batch_size \d+ x n_pair 32 = [\d,]+ clips", error.Message);
        Assert.Contains("92", error.Message, StringComparison.Ordinal);

        Assert.Null(Check(config, card: 40L << 30));
    }

    [Fact]
    public void What_lies_exactly_at_the_share_is_taken_and_one_byte_more_is_refused()
    {
        var config = MemoryPlanTests.Published() with { Devices = ["cpu"] };
        var least = (long)Math.Ceiling(MemoryPlan.Of(config).Needs[0].TotalBytes / MemoryPlan.LargestShare);
        Assert.Null(Check(config, host: least));
        Assert.Null(Check(config, host: least - 1000, held: 1000)); // this run's own snapshots are no other's memory
        var only = (long)Math.Ceiling(MemoryPlan.Of(config, snapshots: 1).Needs[0].TotalBytes / MemoryPlan.LargestShare);
        Assert.Contains("snapshots", Check(config, host: only), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.HostMemory, Assert.Throws<UserError>(() => Check(config, host: only - 1)).ExitCode);
    }

    [Fact]
    public void A_group_that_fits_no_card_is_answered_with_a_smaller_group()
    {
        var error = Assert.Throws<UserError>(() => Check(MemoryPlanTests.Published(), card: 16L << 30));
        Assert.Matches(@"batchnorm_group \d+", error.Message);
    }

    [Fact]
    public void A_card_that_nothing_can_read_is_tried() =>
        Assert.Null(MemoryCheck.Require(MemoryPlanTests.Published(),
            device => device == MemoryPlan.Host ? new DeviceMemory("host", long.MaxValue / 2, long.MaxValue / 2) : throw new UserError(device, "no driver", "", ""), 0, _ => 3));

    [Fact]
    public async Task Train_and_the_worker_refuse_a_step_that_this_machine_cannot_hold_and_leave_nothing()
    {
        using var run = new SmallRun();
        using var data = new TempFolder();
        // Half a million clips in one BatchNorm group.
        run.Config = run.Config with
        {
            Data = run.Config.Data with { BatchSize = 2048, NPair = 256, HowtoAudioFrames = 3000 },
            Model = run.Config.Model with { BatchnormGroup = 1 << 19 },
        };
        RunConfigFile.Write(data.File("run.json"), run.Config);
        var (code, _, errors) = await TrainerProcess.Run("train", "--config", data.File("run.json"), "--data", data.Path, "--json");
        Assert.True(code == ExitCodes.Refused, errors);
        Assert.Matches("What would fit: batchnorm_group .* or batch_size", errors);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);

        using var worker = SmallWorker.Start(run);
        Assert.Equal(ExitCodes.HostMemory, (await worker.Ended()).ExitCode);
        Assert.Matches("What would fit: batchnorm_group .* or batch_size", worker.Errors);
        Assert.False(Directory.Exists(run.Folder.Checkpoints), "nothing was trained");
    }

    static string? Check(RunConfig config, long host = 256L << 30, long card = 0, long held = 0) => MemoryCheck.Require(config,
        device => device == MemoryPlan.Host ? new DeviceMemory("memory of this machine", host, host) : new DeviceMemory("card", card, card), held,
        device => device == MemoryPlan.Host ? ExitCodes.HostMemory : ExitCodes.DeviceMemory);
}
