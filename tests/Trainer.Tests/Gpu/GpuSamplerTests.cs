using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;
using Microsoft.Extensions.Time.Testing;

namespace Mcn.Web.Trainer.Tests.Gpu;

[Collection(NvmlCollection.Name)]
public sealed class GpuSamplerTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly TempFolder folder = new();

    [Fact]
    public void Without_a_driver_the_sample_says_why_and_is_not_simulated()
    {
        using var sampler = new GpuSampler(new FakeTimeProvider(), folder.File("libnvidia-ml.so.1"), Patience);

        var sample = sampler.Sample();

        Assert.StartsWith("no GPU on this machine: ", sample.Unavailable, StringComparison.Ordinal);
        Assert.Empty(sample.Gpus);
        Assert.False(sample.Simulated);
    }

    [Fact]
    public void Four_GPUs_are_read_by_default_and_marked_as_simulated()
    {
        FakeNvml.DefaultScenario();
        using var sampler = Sampler();

        var sample = sampler.Sample();

        Assert.Null(sample.Unavailable);
        Assert.True(sample.Simulated);
        Assert.Equal([0, 1, 2, 3], sample.Gpus.Select(gpu => gpu.Index));
        Assert.Equal(4, sample.Gpus.Select(gpu => gpu.Uuid).Distinct().Count());
        Assert.All(sample.Gpus, gpu =>
        {
            Assert.Equal("NVIDIA A100-SXM4-40GB", gpu.Name);
            Assert.Equal(40960L << 20, gpu.MemoryTotalBytes);
            Assert.InRange(gpu.MemoryUsedBytes!.Value, 1, gpu.MemoryTotalBytes!.Value);
            Assert.InRange(gpu.UtilizationPercent!.Value, 1, 100);
            Assert.InRange(gpu.TemperatureCelsius!.Value, 30, 84);
            Assert.InRange(gpu.PowerWatts!.Value, 100, 400);
            Assert.Empty(gpu.Xids);
        });
    }

    [Fact]
    public void The_uuid_of_an_index_is_the_same_after_a_restart()
    {
        FakeNvml.DefaultScenario();
        string[] Uuids()
        {
            using var sampler = Sampler();
            return [.. sampler.Sample().Gpus.Select(gpu => gpu.Uuid)];
        }

        Assert.Equal(Uuids(), Uuids());
    }

    [Fact]
    public void The_figures_of_a_scenario_are_read_as_they_are_written()
    {
        FakeNvml.Scenario(folder, """
            gpus 2
            gpu * memory_total 1000
            gpu * memory_used 250     # MiB
            gpu 0 utilization 42
            gpu 0 temperature 77
            gpu 0 power 123.5
            gpu 1 name Some other board
            """);
        using var sampler = Sampler();

        var gpus = sampler.Sample().Gpus;

        Assert.Equal(2, gpus.Count);
        Assert.Equal((250L << 20, 1000L << 20), (gpus[0].MemoryUsedBytes, gpus[0].MemoryTotalBytes));
        Assert.Equal((42, 77, 123.5), (gpus[0].UtilizationPercent, gpus[0].TemperatureCelsius, gpus[0].PowerWatts));
        Assert.Equal("Some other board", gpus[1].Name);
    }

    [Fact]
    public void A_figure_that_a_board_does_not_have_is_unknown_and_not_zero()
    {
        FakeNvml.Scenario(folder, "gpus 2\ngpu 1 power unsupported\ngpu 1 utilization unsupported");
        using var sampler = Sampler();

        var gpus = sampler.Sample().Gpus;

        Assert.Null(gpus[1].PowerWatts);
        Assert.Null(gpus[1].UtilizationPercent);
        Assert.NotNull(gpus[1].TemperatureCelsius);
        Assert.NotNull(gpus[0].PowerWatts);
    }

    [Fact]
    public async Task An_Xid_is_told_once_by_the_GPU_that_had_it()
    {
        FakeNvml.Scenario(folder, "gpus 4\nat 0.2s gpu 2 xid 79\nat 0.2s gpu 2 xid 45");
        using var sampler = Sampler();

        var told = new List<(int Gpu, int Xid)>();
        for (var looks = 0; looks < 100 && told.Count < 2; looks++) told.AddRange(await Look(sampler));
        for (var looks = 0; looks < 5; looks++) told.AddRange(await Look(sampler));

        Assert.Equal([(2, 79), (2, 45)], told); // the first is the cause, the second its echo
    }

    [Fact]
    public void A_lost_GPU_keeps_its_place_and_its_figures_are_unknown()
    {
        FakeNvml.Scenario(folder, "gpus 2\nat 0s gpu 0 lost\ngpu 1 temperature 50");
        using var sampler = Sampler();

        var gpus = sampler.Sample().Gpus;

        Assert.Equal([0, 1], gpus.Select(gpu => gpu.Index));
        Assert.Equal((null, null, null), (gpus[0].MemoryUsedBytes, gpus[0].UtilizationPercent, gpus[0].TemperatureCelsius));
        Assert.Equal(50, gpus[1].TemperatureCelsius);
    }

    [Fact]
    public async Task A_GPU_that_hangs_delays_no_sample_and_is_read_again_afterwards()
    {
        FakeNvml.Scenario(folder, "gpus 1\nat 0s gpu 0 hang 1s");
        using var sampler = new GpuSampler(TimeProvider.System, FakeNvml.Library, TimeSpan.FromMilliseconds(50));

        Assert.Contains("does not answer", sampler.Sample().Unavailable, StringComparison.Ordinal);
        var sample = sampler.Sample();
        for (var looks = 0; looks < 100 && sample.Unavailable is not null; looks++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            sample = sampler.Sample();
        }

        Assert.Single(sample.Gpus);
    }

    [Fact]
    public void A_driver_that_comes_later_is_found_but_not_looked_for_at_every_sample()
    {
        FakeNvml.Scenario(folder, "init 9");
        var time = new FakeTimeProvider();
        using var sampler = new GpuSampler(time, FakeNvml.Library, Patience);
        Assert.Equal("no GPU on this machine: the NVIDIA driver is not loaded", sampler.Sample().Unavailable);

        FakeNvml.DefaultScenario();
        Assert.NotNull(sampler.Sample().Unavailable);
        time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(4, sampler.Sample().Gpus.Count);
    }

    [Fact]
    public void A_driver_without_boards_is_no_GPU()
    {
        FakeNvml.Scenario(folder, "gpus 0");
        using var sampler = Sampler();

        Assert.StartsWith("no GPU on this machine: ", sampler.Sample().Unavailable, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();

    static GpuSampler Sampler() => new(TimeProvider.System, FakeNvml.Library, Patience);

    static async Task<IEnumerable<(int, int)>> Look(GpuSampler sampler)
    {
        await Task.Delay(50, TestContext.Current.CancellationToken);
        GpuSample sample = sampler.Sample();
        return sample.Gpus.SelectMany(gpu => gpu.Xids.Select(xid => (gpu.Index, xid)));
    }
}
