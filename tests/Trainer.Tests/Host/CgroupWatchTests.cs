using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Tests.Host;

/// <summary>Made-up /proc and /sys in a folder.</summary>
public sealed class CgroupWatchTests : IDisposable
{
    const string Version2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    const string Version1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    readonly TempFolder folder = new();

    [Fact]
    public void Of_nested_groups_the_one_with_the_least_room_counts_and_file_cache_is_not_used_memory()
    {
        Write("proc/self/cgroup", "0::/slice/job\n");
        Write("proc/self/mountinfo", Version2);
        Group("sys/fs/cgroup/slice", limit: "1000", used: "900", "anon 100\nfile 600\nactive_file 200\ninactive_file 300\n");
        Group("sys/fs/cgroup/slice/job", limit: "max", used: "50", "");

        Assert.Equal((1000, 400), new CgroupWatch(folder.Path).Read());
    }

    [Fact]
    public void In_a_container_whose_membership_is_the_hosts_path_the_mounted_group_is_found()
    {
        Write("proc/self/cgroup", "0::/docker/abc\n");
        Write("proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
        Group("sys/fs/cgroup", limit: "500", used: "100", "");

        Assert.Equal((500, 100), new CgroupWatch(folder.Path).Read());
    }

    [Fact]
    public void Version_1_is_read_where_it_holds_the_memory_controller()
    {
        Write("proc/self/cgroup", "4:memory:/job\n2:cpu:/job\n0::/\n");
        Write("proc/self/mountinfo", Version1);
        Write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "800\n");
        Write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "700\n");
        Write("sys/fs/cgroup/memory/job/memory.stat", "active_file 1\ntotal_active_file 100\ntotal_inactive_file 50\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");

        Assert.Equal((800, 550), new CgroupWatch(folder.Path).Read());
    }

    [Theory]
    [InlineData("0::/job\n", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "sys/fs/cgroup/job")]
    [InlineData("8:pids:/job\n4:memory:/\n", "37 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "sys/fs/cgroup/pids/job")]
    public void The_limit_on_tasks_is_read_from_both_versions(string membership, string mounts, string group)
    {
        Write("proc/self/cgroup", membership);
        Write("proc/self/mountinfo", mounts);
        Write(group + "/pids.max", "256\n");
        Write(group + "/pids.current", "200\n");
        Assert.Equal((256, 200), new CgroupWatch(folder.Path).ReadTasks());
        Write(group + "/pids.max", "max\n");
        Assert.Equal((null, null), new CgroupWatch(folder.Path).ReadTasks());
    }

    [Fact]
    public void Without_a_limit_both_figures_are_unknown()
    {
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/self/mountinfo", Version2);
        Group("sys/fs/cgroup", limit: "max", used: "100", "");
        Assert.Equal((null, null), new CgroupWatch(folder.Path).Read());
        Assert.Equal((null, null), new CgroupWatch(folder.File("nothing-here")).Read());
    }

    public void Dispose() => folder.Dispose();

    void Group(string path, string limit, string used, string statistics)
    {
        Write(path + "/memory.max", limit + "\n");
        Write(path + "/memory.current", used + "\n");
        Write(path + "/memory.stat", statistics);
    }

    void Write(string relative, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.File(relative))!);
        File.WriteAllText(folder.File(relative), text);
    }
}
