using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Verbs;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Same configuration, seed and machine: the very same bits of parameters, moments, queue and centroids, on the CPU. On a GPU the switches are all that shows here.</summary>
public sealed class DeterminismTests
{
    [Fact]
    public void The_number_of_reader_threads_does_not_change_a_bit()
    {
        var expected = Trained(1);
        foreach (var readers in new[] { 2, 8 }) SmallRun.AssertSameTensors(expected, Trained(readers));
    }

    [Fact]
    public async Task Two_processes_with_different_reader_threads_give_the_bits_of_this_one()
    {
        using var here = new SmallRun();
        here.Train(steps: 7);
        var expected = here.NewestTensors();
        foreach (var readers in new[] { 1, 8 })
        {
            using var data = new TestKit.TempFolder();
            var config = here.Config with { Data = here.Config.Data with { NumThreadReader = readers } };
            RunConfigFile.Write(data.File("run.json"), config);
            var (code, output, errors) = await TrainerProcess.Run("train", "--config", data.File("run.json"), "--data", data.Path, "--steps", "7", "--json");
            Assert.True(code == ExitCodes.Done, $"{output}\n{errors}");
            SmallRun.AssertSameTensors(expected, SmallRun.NewestTensors(new RunCatalog(data.Path, TimeProvider.System).FindNewest(config)!));
        }
    }

    [Fact]
    public void Another_seed_gives_other_bits()
    {
        var (one, other) = (Trained(1), Trained(1, seed: 2));
        Assert.Contains(one, tensor => !tensor.Value.AsSpan().SequenceEqual(other[tensor.Key]));
    }

    [Fact]
    public void The_pinned_libtorch_has_the_switches_and_does_what_they_say()
    {
        Assert.True(Determinism.IsAvailable);
        var before = Determinism.Read();
        try
        {
            Determinism.Set(true);
            Assert.Equal((true, true), Determinism.Read());
            Determinism.Set(false);
            Assert.Equal((false, false), Determinism.Read());
        }
        finally
        {
            Determinism.Set(before.Algorithms);
        }
    }

    [Theory]
    [InlineData("cpu", true, "yes", 0)]
    [InlineData("cpu", false, "yes", 0)]
    [InlineData("cuda:0", true, "yes", 1e-3)]
    [InlineData("cuda:0", false, "no", 1e-3)]
    public void On_the_CPU_bits_repeat_and_on_a_GPU_where_it_is_wanted_but_none_is_demanded_there(string device, bool wanted, string active, double tolerance)
    {
        var config = RandomBatches.Config(group: 24) with { Devices = [device], Deterministic = wanted };
        Assert.Equal(active, Determinism.Active(config));
        Assert.Equal(tolerance, Determinism.Tolerance(config.Devices));
    }

    static Dictionary<string, byte[]> Trained(int readers, long? seed = null)
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Seed = seed ?? run.Config.Seed, Data = run.Config.Data with { NumThreadReader = readers } };
        run.Train();
        return run.NewestTensors();
    }
}
