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

    [Fact]
    public void Videos_that_cannot_be_read_are_left_out_of_the_sample_and_counted()
    {
        using var set = new SmallSet(4);
        File.Delete(set.PathOf("features/a/v1/v1_3d.npz"));
        var sample = SampledVideos.Of(set.Config, VideoList.Read(set.Config.Data.TrainCsv), 10, 10);
        Assert.Equal((3, 1), (sample.Files.Count, sample.Unreadable));
    }
}
