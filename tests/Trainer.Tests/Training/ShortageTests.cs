using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;
using TorchSharp;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Memory that runs short in the middle of a step: the step is done again with fewer graphs, and nothing of the failed try remains.</summary>
public sealed class ShortageTests
{
    const int Steps = 5;
    const int Group = 3; // 8 groups of 24 clips

    /// <summary>Without a failure; for any number of replicas the same (<see cref="ReplicaTeamTests"/>).</summary>
    static readonly Lazy<(Dictionary<string, byte[]> State, double[] Losses)> Untouched = new(() => RandomBatches.Train(Config(1, microBatch: 24), Steps));

    [Theory]
    [InlineData("embeddings", 0, 1)]
    [InlineData("the loss", 0, 1)]
    [InlineData("gradients", 0, 1)]
    [InlineData("sums of gradients", 0, 1)]
    [InlineData("embeddings", 1, 2)]
    [InlineData("gradients", 1, 2)]
    [InlineData("sums of gradients", 0, 2)]
    [InlineData("gradients", 3, 4)]
    public void A_failed_allocation_in_any_part_on_any_rank_changes_no_bit_of_weights_moments_queue_and_statistics(string part, int rank, int replicas)
    {
        var untouched = Untouched.Value;
        using var team = RandomBatches.Team(Config(replicas, microBatch: 24));
        var held = team.ClipsHeld;
        var (step, failures) = (0, 0);
        team.Drill = (who, where) =>
        {
            // In a step with a fit and in one without: queue and centroids are at stake in both. Once each: rank 0 halves while others begin anew.
            if (who != rank || where != part || !(step == 3 && failures == 0 || step == 4 && failures == 1 && held >= 4 * Group)) return;
            failures++;
            Allocate();
        };
        List<double> losses = [];
        List<Shortage> shortages = [];
        for (; step < Steps; step++)
        {
            var outcome = team.Step(RandomBatches.Batch(team.Config, step), 1e-3, read: true);
            losses.Add(outcome.Loss!.Total);
            shortages.AddRange(outcome.Shortages);
        }

        Assert.Equal(untouched.Losses, losses);
        SmallRun.AssertSameTensors(untouched.State, RandomBatches.State(team));
        Assert.NotEmpty(shortages);
        Assert.Equal(shortages.Count, team.Redone);
        Assert.All(shortages, shortage => Assert.Equal((ShortMemory.Host, $"rank {rank} (cpu)"), (shortage.Kind, shortage.Rank)));
        Assert.Equal(held >> shortages.Count, team.ClipsHeld); // and so it stays
    }

    [Fact]
    public void Below_one_group_the_step_is_given_up_untouched_and_the_largest_group_that_fits_is_named()
    {
        using var team = RandomBatches.Team(Config(replicas: 2, microBatch: 6));
        team.Step(RandomBatches.Batch(team.Config, 0), 1e-3, read: false);
        var before = RandomBatches.State(team);
        team.Drill = (rank, part) =>
        {
            if (rank == 1 && part == "gradients") Allocate();
        };

        var error = Assert.Throws<UserError>(() => team.Step(RandomBatches.Batch(team.Config, 1), 1e-3, read: false));

        Assert.Equal(ExitCodes.HostMemory, error.ExitCode);
        Assert.Contains("rank 1 (cpu)", error.Message, StringComparison.Ordinal);
        Assert.Contains("one BatchNorm group of 3 clips", error.Message, StringComparison.Ordinal);
        SmallRun.AssertSameTensors(before, RandomBatches.State(team));
        team.Drill = null;
        Assert.Empty(team.Step(RandomBatches.Batch(team.Config, 1), 1e-3, read: false).Shortages);
    }

    [Fact]
    public void Another_failure_is_none_of_memory_and_ends_the_step()
    {
        using var team = RandomBatches.Team(Config(replicas: 1, microBatch: 24));
        team.Drill = (_, _) => torch.zeros(2).view(3).Dispose(); // libtorch refuses the shape
        Assert.Throws<ExternalException>(() => team.Step(RandomBatches.Batch(team.Config, 0), 1e-3, read: false));
        Assert.Equal(0, team.Redone);
    }

    [Fact]
    public async Task A_worker_that_is_refused_memory_goes_on_with_half_the_graphs_to_the_same_bits()
    {
        using var free = Wide();
        using var narrow = Wide();
        await SmallWorker.Finish(free);
        using var shim = new ShortMemoryShim();
        using var worker = SmallWorker.Start(narrow, null, ("LD_PRELOAD", shim.Library), ("MCN_SHIM_MEMORY", $"{45 << 20}"));
        var end = await worker.Ended();
        Assert.True(end.ExitCode == ExitCodes.Done, $"{end}: {worker.Errors}");

        var alerts = narrow.Journal().OfType<Alert>().Where(alert => alert.Code == "micro_batch_halved").ToList();
        Assert.NotEmpty(alerts);
        Assert.Equal("256", alerts[0].Parameters["clips_before"]);
        Assert.Equal("128", alerts[0].Parameters["clips"]);
        Assert.Contains("allocate", alerts[0].Text, StringComparison.Ordinal); // as libtorch tells it
        Assert.True(narrow.Journal().OfType<StepMetrics>().Last().Values[MetricCatalog.StepsRedone] >= 1);
        Assert.True(narrow.Journal().OfType<StepMetrics>().Last().Values[MetricCatalog.MicroBatch] < 256);
        Assert.DoesNotContain(free.Journal().OfType<Alert>(), alert => alert.Code == "micro_batch_halved");
        Assert.Equal(free.Losses(), narrow.Losses());
        SmallRun.AssertSameTensors(free.NewestTensors(), narrow.NewestTensors());
    }

    /// <summary>libtorch's own failure, for more memory than any address space has.</summary>
    static void Allocate() => torch.empty(1L << 50).Dispose();

    static RunConfig Config(int replicas, int microBatch) => RandomBatches.Config(Group, microBatch, [.. Enumerable.Repeat("cpu", replicas)]);

    /// <summary>Two steps of 256 clips in 8 groups, which need 70 to 90 MB when all graphs are held, less than 30 with half of them or fewer.</summary>
    static SmallRun Wide()
    {
        var run = new SmallRun();
        run.Config = run.Config with
        {
            Data = run.Config.Data with { BatchSize = 8, NPair = 32, HowtoAudioFrames = 384 },
            Model = run.Config.Model with { LayerWidths = [16, 16, 32, 32, 32], BatchnormGroup = 32 },
            Optimizer = run.Config.Optimizer with { Epochs = 2, MicroBatch = 256 },
            Evaluation = run.Config.Evaluation with { EveryEpochs = 2 },
            Checkpoint = run.Config.Checkpoint with { EveryEpochs = 2 },
        };
        return run;
    }
}
