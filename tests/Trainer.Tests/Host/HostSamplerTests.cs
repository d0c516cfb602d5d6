using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

public sealed class HostSamplerTests : IDisposable
{
    readonly TempFolder folder = new();

    [Fact]
    public void The_figures_of_this_machine_are_plausible()
    {
        var sampler = new HostSampler([new(folder.Path, "data"), new("/tmp", "tmp")], TimeProvider.System);

        var sample = sampler.Sample(Environment.ProcessId);

        Assert.InRange(sample.MemoryAvailableBytes!.Value, 1, sample.MemoryTotalBytes!.Value);
        Assert.InRange(sample.WorkerMemoryBytes!.Value, 1 << 20, sample.MemoryTotalBytes.Value);
        if (sample.CgroupLimitBytes is { } limit) Assert.InRange(sample.CgroupUsedBytes ?? 0, 0, limit);
        Assert.NotEmpty(sample.Disks);
        Assert.All(sample.Disks, disk =>
        {
            Assert.True(Directory.Exists(disk.Mount) || File.Exists(disk.Mount));
            Assert.InRange(disk.FreeBytes!.Value, 0, disk.TotalBytes!.Value);
            if (disk.TotalInodes is { } inodes) Assert.InRange(disk.FreeInodes!.Value, 0, inodes);
        });
        Assert.Equal(Directory.Exists("/dev/shm"), sample.Disks.Any(disk => disk is { Mount: "/dev/shm", Purpose: "shm" }));
    }

    [Fact]
    public async Task The_busy_share_of_the_cores_is_known_from_the_second_look()
    {
        var sampler = new HostSampler([], TimeProvider.System);
        Assert.Null(sampler.Sample(null).CpuUtilization);

        double? busy = null;
        for (var looks = 0; looks < 100 && busy is null; looks++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            busy = sampler.Sample(null).CpuUtilization;
        }

        Assert.InRange(busy!.Value, 0, 1);
    }

    [Fact]
    public void Ticks_of_the_cores_become_a_share()
    {
        var cpu = new CpuWatch();
        Assert.Null(cpu.Take("cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 1 1 1 1"));
        Assert.Equal(0.75, cpu.Take("cpu  150 0 125 820 5 0 0 0 90 0\n")!.Value, 9);
        Assert.Null(cpu.Take("cpu  150 0 125 820 5 0 0 0 90 0\n"));
        Assert.Null(cpu.Take("garbage"));
    }

    [Fact]
    public void A_worker_that_is_not_there_has_no_memory_figure() =>
        Assert.Null(new HostSampler([], TimeProvider.System).Sample(int.MaxValue).WorkerMemoryBytes);

    [Fact]
    public void Places_on_one_file_system_are_one_reading_with_both_purposes()
    {
        Directory.CreateDirectory(folder.File("data"));
        Directory.CreateDirectory(folder.File("features"));

        var disk = Assert.Single(new DiskWatch([new(folder.File("data"), "data"), new(folder.File("features"), "features")]).Read());

        Assert.Equal("data,features", disk.Purpose);
    }

    [Fact]
    public void A_place_that_does_not_exist_yet_is_measured_where_it_will_be()
    {
        var expected = Assert.Single(new DiskWatch([new(folder.Path, "data")]).Read());
        var actual = Assert.Single(new DiskWatch([new(folder.File("not/yet/there"), "data")]).Read());

        Assert.Equal((expected.Mount, expected.TotalBytes), (actual.Mount, actual.TotalBytes));
    }

    [Fact]
    public void A_link_is_followed_to_the_disk_it_leads_to()
    {
        if (!Directory.Exists("/dev/shm")) Assert.Skip("no /dev/shm");
        Directory.CreateSymbolicLink(folder.File("link"), "/dev/shm");

        var disk = Assert.Single(new DiskWatch([new(folder.File("link/run"), "data")]).Read());

        Assert.Equal("/dev/shm", disk.Mount);
    }

    [Fact]
    public void The_mount_of_a_path_is_the_nearest_and_the_newest()
    {
        var mounts = MountTable.Parse("""
            27 1 254:0 / / rw - ext4 /dev/vda rw
            30 27 0:26 / /data rw shared:1 - tmpfs tmpfs rw
            31 27 0:27 / /data rw - xfs /dev/sdb1 rw
            32 27 0:28 / /data/with\040space rw - nfs4 box:/x rw
            33 not a mount
            """);

        Assert.Equal("/", mounts.Find("/database/x")!.Point);
        Assert.Equal("xfs", mounts.Find("/data/run")!.FileSystem);
        Assert.Equal("nfs4", mounts.Find("/data/with space")!.FileSystem);
    }

    public void Dispose() => folder.Dispose();
}
