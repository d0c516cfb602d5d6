using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Training;
using Mcn.Web.Trainer.Worker;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>What limits is named from figures alone; and a run with bad videos goes on and says so.</summary>
public sealed class FeedVerdictTests
{
    // 10 s, 4 readers, 8 cores, 100 clips a step: 1000 clips were filled.
    static readonly FeedFigures Fed = new(10, 0.2, 1000, 4, 8, 4, 8, 100, 0.01, 0.9, 0);

    [Fact]
    public void A_device_that_hardly_waits_is_the_limit() => Assert.Equal(Bottleneck.Device, FeedVerdict.Of(Fed).Limit);

    [Fact]
    public void A_device_that_is_fed_but_copies_longer_than_it_computes_is_limited_by_the_transfer() =>
        Assert.Equal(Bottleneck.Transfer, FeedVerdict.Of(Fed with { TransferSeconds = 1 }).Limit);

    [Fact]
    public void Replicas_that_exchange_longer_than_they_compute_are_limited_by_the_exchange()
    {
        var verdict = FeedVerdict.Of(Fed with { ExchangeSeconds = 1.25 });
        Assert.Equal((Bottleneck.Exchange, 80.0), (verdict.Limit, verdict.ExchangeClipsPerSecond));
        Assert.Equal(Bottleneck.Device, FeedVerdict.Of(Fed with { ExchangeSeconds = 0.5 }).Limit);
    }

    [Theory]
    [InlineData(30, 8, Bottleneck.Disk)]
    [InlineData(8, 30, Bottleneck.Cpu)]
    public void A_device_that_waits_is_limited_by_what_the_readers_do_longer(double read, double decode, Bottleneck expected) =>
        Assert.Equal(expected, FeedVerdict.Of(Fed with { WaitSeconds = 4, ReadSeconds = read, DecodeSeconds = decode }).Limit);

    [Fact]
    public void Each_limit_is_what_that_part_could_do_alone()
    {
        var verdict = FeedVerdict.Of(Fed with { Readers = 16 });
        Assert.Equal(1000 / (4.0 / 16), verdict.DiskClipsPerSecond);
        Assert.Equal(1000 / (8.0 / 8), verdict.CpuClipsPerSecond); // 16 readers on 8 cores decode as 8 do
        Assert.Equal(100 / 0.01, verdict.TransferClipsPerSecond);
        Assert.Equal(100 / 0.9, verdict.DeviceClipsPerSecond);
    }

    [Fact]
    public void Nothing_measured_is_unknown_and_no_division_by_zero()
    {
        var verdict = FeedVerdict.Of(default);
        Assert.Equal(new FeedVerdict(Bottleneck.Unknown, null, null, null, null, null), verdict);
    }

    [Fact]
    public void A_run_reports_its_data_path()
    {
        using var run = new SmallRun();
        // One batch ahead: the readers are at work all the time, not only before the first report.
        run.Config = run.Config with { Data = run.Config.Data with { ReadAheadBytes = Trainer.Data.BatchShape.Of(run.Config).Bytes } };
        var steps = run.Train().Records.OfType<StepMetrics>().ToList();
        Assert.All(steps, step => Assert.Equal(0, step.Values[MetricCatalog.BadVideos]));
        Assert.All(steps.Skip(1), step =>
        {
            Assert.InRange(step.Values[MetricCatalog.Bottleneck], 1, 4);
            Assert.InRange(step.Values[MetricCatalog.DataWaitShare], 0, 1);
            Assert.True(step.Values[MetricCatalog.LimitDevice] > 0);
        });
        Assert.Contains(steps, step => step.Values.GetValueOrDefault(MetricCatalog.ReadRate) > 0 && step.Values.GetValueOrDefault(MetricCatalog.LimitDisk) > 0);
    }

    [Fact]
    public void One_bad_video_of_many_is_skipped_and_told_and_the_run_goes_to_its_end()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Data = run.Config.Data with { BadRecordBudget = 0.2 } };
        File.Delete(run.Set.PathOf("features/a/v3/v3_spec.npz"));
        var (reason, records) = run.Train();
        Assert.Equal("finished", reason);
        var alert = Assert.Single(records.OfType<Alert>(), alert => alert.Code == "data_bad_video");
        Assert.Contains("v3_spec.npz", alert.Text, StringComparison.Ordinal);
        Assert.Equal(("1", "1"), (alert.Parameters["count"], alert.Parameters["allowed"]));
        Assert.Equal(1, records.OfType<StepMetrics>().Last().Values[MetricCatalog.BadVideos]);
    }

    [Fact]
    public void More_bad_videos_than_the_budget_stop_the_run_with_the_list()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Data = run.Config.Data with { BadRecordBudget = 0.2 } };
        foreach (var video in new[] { 3, 6 }) File.Delete(run.Set.PathOf($"features/a/v{video}/v{video}_spec.npz"));
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Equal(ExitCodes.Fails, error.ExitCode);
        Assert.Contains("v3_spec.npz", error.Message, StringComparison.Ordinal);
        Assert.Contains("v6_spec.npz", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.BadData, NativeFailure.ExitCodeOf(error));
    }
}
