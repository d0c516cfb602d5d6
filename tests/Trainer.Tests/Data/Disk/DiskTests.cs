using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Disk;

namespace Mcn.Web.Trainer.Tests.Data.Disk;

/// <summary>The disk below a data set: which it is, how it should be read, and what a video takes.</summary>
public sealed class DiskTests
{
    static readonly BlockDevice Spinning = new("/data", "ext4", "sda", true);

    [Theory]
    [InlineData(120, "sequential", true, false)]
    [InlineData(20000, "random", true, true)] // a virtual disk that calls itself rotational
    [InlineData(20000, "random", false, false)]
    [InlineData(120, "sequential", false, true)]
    public void The_mode_follows_what_was_measured_and_says_when_the_kernel_differs(double reads, string mode, bool rotational, bool differs)
    {
        var plan = ReadPlan.Of(Spinning with { IsRotational = rotational }, new DiskRates(2e8, reads, 5e9, 1));
        Assert.Equal(mode, plan.Mode);
        Assert.Equal(differs, plan.Because.Contains("says otherwise", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "sequential")]
    [InlineData(false, "random")]
    public void Where_a_cache_answered_the_kernel_decides(bool rotational, string mode) =>
        Assert.Equal(mode, ReadPlan.Of(Spinning with { IsRotational = rotational }, new DiskRates(5e9, 1e6, 5e9, 1)).Mode);

    [Fact]
    public void A_partition_has_the_queue_of_its_disk_and_a_network_has_none()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.File("sda/queue"));
        Directory.CreateDirectory(folder.File("sda/sda1"));
        File.WriteAllText(folder.File("sda/queue/rotational"), "1\n");
        Directory.CreateSymbolicLink(folder.File("8:1"), folder.File("sda/sda1"));
        Assert.Equal(new BlockDevice("/x", "ext4", "sda", true), BlockDevice.Of("/x", "ext4", folder.File("8:1")));
        Assert.Equal(new BlockDevice("/x", "nfs4", null, null), BlockDevice.Of("/x", "nfs4", folder.File("0:50")));
        Assert.NotEqual("", BlockDevice.Of(folder.Path).FileSystem);
    }

    [Fact]
    public void The_encodings_of_a_mean_video_take_what_the_arithmetic_says()
    {
        // The published mean: 397 s, 2d 397 x 2048, 3d 595 x 2048, audio 40 x 39700, 113 captions, V = 4096.
        var sizes = EncodingSizes.Of(new VideoSizes(7.3e6, 992, 992 * 2048, 40 * 39700, 40, 113), 4096).ToDictionary(size => size.Encoding, size => size.BytesPerVideo);
        Assert.Equal(7.24e6, sizes["fp16"], 0.01e6);
        Assert.Equal(3.62e6, sizes["u8"], 0.01e6);
        Assert.Equal(5.03e6, sizes["pooled"], 0.01e6); // rows in single precision: exact
        Assert.Equal(2.05e6, sizes["pooled-u8"], 0.01e6);
        Assert.Equal(7.3e6, sizes["original"]);
    }

    [Fact]
    public void The_probe_keeps_its_bound_and_gives_positive_rates()
    {
        using var set = new SmallSet(5);
        var config = set.Config;
        var sample = SampledVideos.Of(config, VideoList.Read(config.Data.TrainCsv), 3, double.NaN);
        Assert.Equal(3, sample.Files.Count);
        Assert.Equal((50.0, 220.0, 6000.0), (sample.Sizes.FeatureRows, sample.Sizes.FeatureValues, sample.Sizes.AudioValues));
        var files = sample.Files.SelectMany(three => three).ToList();
        var probe = new DiskProbe(mostBytes: 1, TimeSpan.FromSeconds(10)); // one file a pass
        var rates = probe.Measure(files);
        Assert.True(rates is { SequentialBytesPerSecond: > 0, RandomReadsPerSecond: > 0, CachedBytesPerSecond: > 0 });
        Assert.True(rates.BytesRead <= (2 * new FileInfo(files[0]).Length) + (400L * DiskProbe.RandomReadBytes));
        Assert.True(probe.VideosPerSecond(sample.Files) > 0);
    }

    [Theory]
    [InlineData(100, 0.01, 4, 100, "disk")] // four readers decode 400 videos a second
    [InlineData(1000, 0.01, 4, 400, "cpu")]
    [InlineData(1000, null, 4, 1000, "disk")] // not measured: limits nothing
    public void An_epoch_takes_as_long_as_the_slower_of_disk_and_readers(double disk, double? cpu, int readers, double videosPerSecond, string limit)
    {
        var speed = new EncodingSpeed(new EncodingSize("u8", 1e6, true), disk, cpu, readers);
        Assert.Equal((videosPerSecond, limit), (speed.VideosPerSecond, speed.LimitedBy));
        Assert.Equal(1200 / videosPerSecond, speed.EpochSeconds(1200));
    }

    [Fact]
    public void The_cost_of_each_encoding_is_measured_on_the_videos_that_can_be_read_and_nothing_stays()
    {
        using var set = new SmallSet(4);
        using var temporary = new TempFolder();
        File.Delete(set.PathOf("features/a/v1/v1_3d.npz"));
        var folder = Directory.CreateDirectory(temporary.File("packs")).FullName;
        var costs = EncodingCosts.Measure(set.Config, VideoList.Read(set.Config.Data.TrainCsv), folder, TestContext.Current.CancellationToken);
        Assert.Equal(["fp16", "original", "pooled", "pooled-u8", "u8"], costs.Keys.Order(StringComparer.Ordinal));
        Assert.All(costs.Values, seconds => Assert.InRange(seconds, 1e-7, 1));
        Assert.True(costs["original"] > costs["pooled"], "three files opened and read whole against single rows");
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void The_time_of_a_thread_is_not_that_of_the_others()
    {
        var before = ThreadTime.Now;
        var busy = new Thread(() => SpinFor(0.2)) { IsBackground = true };
        busy.Start();
        busy.Join();
        Assert.InRange((ThreadTime.Now - before).TotalSeconds, 0, 0.1);
        SpinFor(0.2);
        Assert.InRange((ThreadTime.Now - before).TotalSeconds, 0.2, 10);

        static void SpinFor(double seconds)
        {
            var began = ThreadTime.Now;
            while ((ThreadTime.Now - began).TotalSeconds < seconds) Thread.SpinWait(100);
        }
    }

    [Fact]
    public void A_measurement_that_cannot_be_made_leaves_nothing()
    {
        using var set = new SmallSet(1);
        using var temporary = new TempFolder();
        File.Delete(set.PathOf("features/a/v0/v0_3d.npz"));
        var folder = Directory.CreateDirectory(temporary.File("packs")).FullName;
        Assert.Throws<UserError>(() => EncodingCosts.Measure(set.Config, VideoList.Read(set.Config.Data.TrainCsv), folder, TestContext.Current.CancellationToken));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public void Videos_that_cannot_be_read_are_left_out_of_the_sample_and_counted()
    {
        using var set = new SmallSet(4);
        File.Delete(set.PathOf("features/a/v1/v1_3d.npz"));
        var sample = SampledVideos.Of(set.Config, VideoList.Read(set.Config.Data.TrainCsv), 10, 10);
        Assert.Equal((3, 1), (sample.Files.Count, sample.Unreadable));
    }
}
