using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class ThresholdsTests
{
    const long MiB = 1L << 20, GiB = 1L << 30;
    static readonly DateTimeOffset Begin = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);

    readonly Thresholds thresholds = new();

    [Fact]
    public void A_healthy_machine_raises_nothing() => Assert.Empty(Take(Host()));

    [Fact]
    public void A_disk_that_is_nearly_full_is_told_once_and_cleared_once_with_a_gap_between()
    {
        var raised = Assert.Single(Take(Host(Disk(free: 4 * GiB, total: 100 * GiB))));
        Assert.Equal("disk_space_low", raised.Code);
        Assert.Equal(("/data", "data"), (raised.Parameters["mount"], raised.Parameters["purpose"]));
        Assert.Equal((4 * GiB).ToString(System.Globalization.CultureInfo.InvariantCulture), raised.Parameters["free_bytes"]);
        Assert.Contains("keep_last", raised.Text, StringComparison.Ordinal); // the remedy

        Assert.Empty(Take(Host(Disk(free: 3 * GiB, total: 100 * GiB))));
        Assert.Empty(Take(Host(Disk(free: 6 * GiB, total: 100 * GiB)))); // over the threshold, not over the gap
        Assert.Equal("disk_space_low_cleared", Assert.Single(Take(Host(Disk(free: 7 * GiB, total: 100 * GiB)))).Code);
        Assert.Empty(Take(Host(Disk(free: 6 * GiB, total: 100 * GiB))));
    }

    [Theory]
    [InlineData(20_000, 50)] // 7 TB of features: five per cent would be an alarm for months
    [InlineData(100, 5)]
    [InlineData(20, 2)]
    [InlineData(5, 1)]
    public void What_is_wanted_free_fits_the_disk(long totalGiB, long wantedGiB) =>
        Assert.Equal(wantedGiB * GiB, DiskRules.WantedBytes(totalGiB * GiB));

    [Fact]
    public void A_full_disk_that_only_holds_features_is_no_alarm() =>
        Assert.Empty(Take(Host(new DiskReading("/features", "features", 100 * GiB, 0, 1000, 0))));

    [Fact]
    public void Each_disk_has_its_own_alert()
    {
        Assert.Single(Take(Host(Disk(free: 1 * GiB, total: 100 * GiB))));
        var second = new DiskReading("/tmp", "tmp", 100 * GiB, 1 * GiB, null, null);
        Assert.Equal("/tmp", Assert.Single(Take(Host(Disk(free: 1 * GiB, total: 100 * GiB), second))).Parameters["mount"]);
        Assert.Equal(2, thresholds.Standing.Count);
    }

    [Fact]
    public void Inodes_run_out_while_bytes_are_free()
    {
        var disk = new DiskReading("/data", "data", 100 * GiB, 80 * GiB, 1_000_000, 500);
        var raised = Assert.Single(Take(Host(disk)));
        Assert.Equal("inodes_low", raised.Code);
        Assert.Equal("inodes_low_cleared", Assert.Single(Take(Host(disk with { FreeInodes = 500_000 }))).Code);
    }

    [Fact]
    public void A_file_system_without_an_inode_limit_has_no_inode_alert() =>
        Assert.Empty(Take(Host(new DiskReading("/data", "data", 100 * GiB, 80 * GiB, null, null))));

    [Fact]
    public void Shared_memory_of_a_fresh_container_is_fine_and_a_full_one_is_not()
    {
        Assert.Empty(Take(Host(new DiskReading("/dev/shm", "shm", 64 * MiB, 64 * MiB, null, null))));
        var raised = Assert.Single(Take(Host(new DiskReading("/dev/shm", "shm", 64 * MiB, 2 * MiB, null, null))));
        Assert.Equal("shm_low", raised.Code);
        Assert.Contains("--shm-size", raised.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_of_the_machine_and_of_the_container_are_two_alerts()
    {
        var full = Host() with { MemoryAvailableBytes = 1 * GiB, CgroupLimitBytes = 32 * GiB, CgroupUsedBytes = 32 * GiB };
        var raised = Take(full);
        Assert.All(raised, alert => Assert.Equal("memory_low", alert.Code));
        Assert.Equal(["host", "cgroup"], raised.Select(alert => alert.Parameters["scope"]));
        Assert.Equal("memory_low_cleared", Assert.Single(Take(full with { CgroupUsedBytes = 8 * GiB })).Code);
    }

    [Fact]
    public void Inotify_watches_near_their_limit_say_that_the_disk_is_not_full()
    {
        var raised = Assert.Single(Take(Host() with { InotifyWatches = 7800 }));
        Assert.Equal("inotify_watches_low", raised.Code);
        Assert.Contains("sysctl", raised.Text, StringComparison.Ordinal);
        Assert.Empty(Take(Host() with { InotifyWatches = 7000 }));
        Assert.Equal("inotify_watches_low_cleared", Assert.Single(Take(Host() with { InotifyWatches = 100 })).Code);
    }

    [Fact]
    public void What_is_unknown_raises_nothing_and_clears_nothing()
    {
        Take(Host(Disk(free: 1 * GiB, total: 100 * GiB)) with { MemoryAvailableBytes = 1 * GiB });
        var unknown = Host(new DiskReading("/data", "data", null, null, null, null)) with
        {
            MemoryAvailableBytes = null,
            InotifyWatches = null,
        };

        Assert.Empty(Take(unknown));
        Assert.Equal(2, thresholds.Standing.Count);
    }

    [Fact]
    public void A_disk_that_will_be_full_within_hours_is_told_before_it_is_full()
    {
        var alerts = new List<Alert>();
        for (var minute = 0; minute < 60; minute++) alerts.AddRange(Take(Host(Disk(900 * GiB - minute * 5 * GiB, 1000 * GiB)), minute));

        var raised = Assert.Single(alerts);
        Assert.Equal("disk_filling", raised.Code);
        Assert.InRange(double.Parse(raised.Parameters["hours_to_full"], System.Globalization.CultureInfo.InvariantCulture), 2, 4);

        alerts.Clear();
        for (var minute = 60; minute < 600; minute++) alerts.AddRange(Take(Host(Disk(600 * GiB, 1000 * GiB)), minute));
        Assert.Equal("disk_filling_cleared", Assert.Single(alerts).Code);
    }

    [Fact]
    public void Checkpoints_written_and_deleted_again_do_not_fill_a_disk()
    {
        for (var minute = 0; minute < 480; minute++) Assert.Empty(Take(Host(Disk(300 * GiB - minute % 10 * GiB, 1000 * GiB)), minute));
    }

    [Fact]
    public void One_large_file_is_no_trend()
    {
        for (var minute = 0; minute < 120; minute++) Assert.Empty(Take(Host(Disk((minute < 60 ? 300 : 120) * GiB, 1000 * GiB)), minute));
    }

    static HostSample Host(params DiskReading[] disks) => new()
    {
        MemoryTotalBytes = 256 * GiB,
        MemoryAvailableBytes = 200 * GiB,
        CgroupLimitBytes = null,
        CgroupUsedBytes = null,
        CpuUtilization = 0.5,
        WorkerMemoryBytes = null,
        Disks = disks,
        InotifyWatches = 100,
        InotifyWatchLimit = 8192,
        InotifyInstances = 10,
        InotifyInstanceLimit = 128,
    };

    static DiskReading Disk(long free, long total) => new("/data", "data", total, free, 1_000_000, 900_000);

    IReadOnlyList<Alert> Take(HostSample sample, int minute = 0) => thresholds.Take(sample, Begin.AddMinutes(minute));
}
