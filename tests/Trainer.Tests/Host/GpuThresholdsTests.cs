using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class GpuThresholdsTests
{
    const long GiB = 1L << 30;
    static readonly DateTimeOffset Begin = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    readonly Thresholds thresholds = new();

    [Fact]
    public void A_GPU_over_85_degrees_is_told_once_and_cleared_when_it_is_clearly_cooler()
    {
        Assert.Empty(Take(Gpu(85)));
        var raised = Assert.Single(Take(Gpu(86)));
        Assert.Equal(("gpu_hot", "2", "86"), (raised.Code, raised.Parameters["gpu"], raised.Parameters["temperature_celsius"]));
        Assert.Empty(Take(Gpu(90)));
        Assert.Empty(Take(Gpu(83)));
        Assert.Equal("gpu_hot_cleared", Assert.Single(Take(Gpu(79))).Code);
        Assert.Equal("gpu_hot", Assert.Single(Take(Gpu(88))).Code);
    }

    [Fact]
    public void GPU_memory_over_95_per_cent_is_told_and_the_gap_keeps_it_from_flickering()
    {
        Assert.Equal("gpu_memory_high", Assert.Single(Take(Gpu(60) with { MemoryUsedBytes = 39 * GiB })).Code);
        for (var i = 0; i < 5; i++)
        {
            Assert.Empty(Take(Gpu(60) with { MemoryUsedBytes = 37 * GiB }));
            Assert.Empty(Take(Gpu(60) with { MemoryUsedBytes = 39 * GiB }));
        }

        Assert.Equal("gpu_memory_high_cleared", Assert.Single(Take(Gpu(60) with { MemoryUsedBytes = 20 * GiB })).Code);
    }

    [Fact]
    public void Figures_that_a_GPU_no_longer_gives_change_nothing()
    {
        Take(Gpu(90));
        Assert.Empty(Take(Gpu(90) with { TemperatureCelsius = null, MemoryUsedBytes = null }));
        Assert.Empty(thresholds.Take(new GpuSample { Simulated = false, Unavailable = "no driver", Gpus = [] }, Begin));
        Assert.Single(thresholds.Standing);
    }

    [Fact]
    public void An_Xid_is_an_event_with_its_meaning_and_the_remedy()
    {
        var raised = Assert.Single(Take(Gpu(60) with { Xids = [79] }));
        Assert.Equal(("gpu_xid", "79"), (raised.Code, raised.Parameters["xid"]));
        Assert.Contains("fallen off the bus", raised.Text, StringComparison.Ordinal);
        Assert.Empty(Take(Gpu(60)));
    }

    [Fact]
    public void A_storm_of_one_Xid_is_one_alert_and_later_another()
    {
        Assert.Single(Take(Gpu(60) with { Xids = [31, 31, 31] }));
        Assert.Empty(Take(Gpu(60) with { Xids = [31] }, minute: 5));
        Assert.Single(Take(Gpu(60) with { Xids = [31] }, minute: 15));
    }

    [Fact]
    public void An_alert_of_a_simulated_GPU_says_so()
    {
        var raised = Assert.Single(thresholds.Take(new GpuSample { Simulated = true, Gpus = [Gpu(91)] }, Begin));
        Assert.StartsWith("Simulated GPU 2", raised.Text, StringComparison.Ordinal);
        Assert.Equal("true", raised.Parameters["simulated"]);
    }

    static GpuReading Gpu(int celsius) => new(2, "GPU-2", "NVIDIA A100-SXM4-40GB", 20 * GiB, 40 * GiB, 90, celsius, 300, []);

    IReadOnlyList<Alert> Take(GpuReading gpu, int minute = 0) =>
        thresholds.Take(new GpuSample { Simulated = false, Gpus = [gpu] }, Begin.AddMinutes(minute));
}
