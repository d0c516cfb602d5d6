using System.Runtime.InteropServices;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;

namespace Mcn.Web.Trainer.Tests.Host.Checks;

/// <summary>Judgements of made-up readings, the story of a container that was started without a word about limits among them.</summary>
public sealed class MachineChecksTests
{
    const long MiB = 1L << 20, GiB = 1L << 30;
    const UnixFileMode Everybody = UnixFileMode.StickyBit | UnixFileMode.OtherWrite | UnixFileMode.OtherRead;

    [Theory]
    [InlineData(64, 64, "warning", "--shm-size=2g")] // Docker's default
    [InlineData(512, 512, "warning", "--shm-size=2g")]
    [InlineData(2048, 2048, "ok", "")]
    [InlineData(16384, 100, "warning", "ls -la /dev/shm")] // full of what others left
    public void Shared_memory_is_judged_by_its_size_and_what_is_free(long total, long free, string state, string remedy)
    {
        var check = SharedMemoryChecks.Judge(new DiskReading("/dev/shm", SharedMemoryWatch.Purpose, total * MiB, free * MiB, null, null), Everybody);
        Are(state, remedy, check);
    }

    [Fact]
    public void The_remedy_for_Dockers_64_MB_says_that_loading_needs_none_and_that_the_hosts_is_not_the_cure()
    {
        var check = SharedMemoryChecks.Judge(new DiskReading("/dev/shm", SharedMemoryWatch.Purpose, 64 * MiB, 64 * MiB, null, null), Everybody);
        Assert.Equal("64 MiB of 64 MiB free: Docker's default", check.Found);
        Assert.Contains("loading needs none of it", check.Expected, StringComparison.Ordinal);
        Assert.Contains("not --ipc=host", check.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void No_shared_memory_and_one_that_only_its_owner_may_write_are_told_apart()
    {
        Are("warning", "mount -t tmpfs", SharedMemoryChecks.Judge(null, null));
        Are("warning", "chmod 1777", SharedMemoryChecks.Judge(new DiskReading("/dev/shm", SharedMemoryWatch.Purpose, 4 * GiB, 4 * GiB, null, null), UnixFileMode.UserWrite));
    }

    [Theory]
    [InlineData("ipc:[4026531839]", true, "warning", "--shm-size")]
    [InlineData("ipc:[4026531839]", false, "ok", "")]
    [InlineData("ipc:[4026532201]", true, "ok", "")]
    [InlineData(null, true, "unknown", "/proc")]
    public void A_container_with_the_hosts_shared_memory_is_warned_of(string? ipc, bool inContainer, string state, string remedy) =>
        Are(state, remedy, SharedMemoryChecks.JudgeNamespace(ipc, inContainer));

    [Theory]
    [InlineData(5L, 0, 0, "ok", "ok")]
    [InlineData(5L, 0, 28, "warning", "ok")] // others of this user, who are not seen from here, have taken them all
    [InlineData(8100L, 0, 0, "warning", "ok")]
    [InlineData(5L, 24, null, "unknown", "warning")]
    [InlineData(null, 0, 0, "ok", "ok")]
    public void What_the_kernel_answers_counts_more_than_what_is_seen(long? used, int instance, int? watch, string watches, string instances)
    {
        var checks = InotifyChecks.Judge(new InotifyUse(used, 8192, used is null ? null : 3, 128), new InotifyChecks.Attempt(instance, watch)).ToList();
        Are(watches, watches == "ok" ? "" : "fs.inotify.max_user_watches=1048576", checks[0]);
        Are(instances, instances == "ok" ? "" : "fs.inotify.max_user_instances=1024", checks[1]);
    }

    [Fact]
    public void Exhausted_watches_are_told_with_the_line_of_UCX_that_they_explain()
    {
        var check = InotifyChecks.Judge(new InotifyUse(8192, 8192, 1, 128), new InotifyChecks.Attempt(0, 28)).First();
        Assert.StartsWith("exhausted", check.Found, StringComparison.Ordinal);
        Assert.Contains("8,192 of 8,192", check.Found, StringComparison.Ordinal);
        Assert.Contains("inotify_add_watch(/tmp) failed: No space left on device", check.Expected, StringComparison.Ordinal);
        Assert.Contains("no disk is full", check.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(128, "fail")]
    [InlineData(1024, "warning")]
    [InlineData(20000, "ok")]
    [InlineData(null, "unknown")]
    public void Few_open_files_are_a_warning_and_very_few_a_fail(int? limit, string state) =>
        Are(state, state == "ok" ? "" : "nofile=1048576", LimitChecks.JudgeFiles(limit, "1301\t0\t2466186\n"));

    [Fact]
    public void A_file_table_that_is_full_for_the_whole_machine_is_told_as_that() =>
        Are("warning", "fs.file-max", LimitChecks.JudgeFiles(20000, "95000\t0\t100000\n"));

    [Fact]
    public void The_limits_of_a_process_are_read_as_the_kernel_writes_them()
    {
        var limits = new ResourceLimits("""
            Limit                     Soft Limit           Hard Limit           Units     
            Max stack size            8388608              unlimited            bytes     
            Max core file size        0                    unlimited            bytes     
            Max processes             96365                96365                processes 
            Max open files            1024                 524288               files     
            Max locked memory         unlimited            unlimited            bytes     
            """);
        Assert.Equal((1024, ResourceLimits.Unlimited, 96365, 8388608, 0), (limits.OpenFiles, limits.LockedBytes, limits.Processes, limits.StackBytes, limits.CoreBytes));
        Assert.Null(new ResourceLimits(null).OpenFiles);
        Assert.True(ResourceLimits.OfThisProcess().OpenFiles > 0);
    }

    [Fact]
    public void Pinned_memory_matters_only_where_GPUs_compute()
    {
        Are("ok", "", LimitChecks.JudgePinned(65536, gpus: false));
        Are("warning", "memlock=-1", LimitChecks.JudgePinned(65536, gpus: true));
        Are("ok", "", LimitChecks.JudgePinned(ResourceLimits.Unlimited, gpus: true));
    }

    [Theory]
    [InlineData(96365L, null, 192730L, "ok")]
    [InlineData(96365L, 100L, 192730L, "warning")]
    [InlineData(32L, null, 192730L, "fail")]
    [InlineData(null, null, null, "unknown")]
    public void The_narrowest_limit_on_threads_decides(long? user, long? room, long? machine, string state) =>
        Are(state, state == "ok" ? "" : state == "unknown" ? "ulimit -u" : "--pids-limit=-1", LimitChecks.JudgeProcesses(user, room, machine));

    [Fact]
    public void Maps_stack_and_core_files_are_told()
    {
        Are("ok", "", LimitChecks.JudgeMaps(65530, 400));
        Are("warning", "vm.max_map_count=262144", LimitChecks.JudgeMaps(65530, 64000));
        Are("warning", "stack=67108864", LimitChecks.JudgeStack(MiB));
        Assert.Equal("none is written (limit 0)", LimitChecks.JudgeCore(0, "core").Found);
        Assert.Equal("handed to /usr/lib/systemd/systemd-coredump", LimitChecks.JudgeCore(0, "|/usr/lib/systemd/systemd-coredump %P").Found);
    }

    [Theory]
    [InlineData(256, 100, null, null, "ok", "ok")]
    [InlineData(256, 1, null, null, "warning", "ok")]
    [InlineData(256, 100, 64, 63, "ok", "warning")]
    [InlineData(null, null, null, null, "unknown", "ok")]
    public void Memory_of_the_machine_and_of_the_container_are_judged_like_the_alerts(int? total, int? available, int? limit, int? used, string machine, string group)
    {
        var checks = MemoryChecks.JudgeMemory(total * GiB, available * GiB, limit * GiB, used * GiB).ToList();
        Assert.Equal((machine, group), (Word(checks[0]), Word(checks[1])));
        Assert.All(checks.Where(check => check.State != CheckState.Ok), check => Assert.NotEmpty(check.Remedy));
    }

    [Theory]
    [InlineData(32, 32, 32, "ok", "32 threads")]
    [InlineData(4, 32, 32, "warning", "4 of the machine's 32 threads (a quota of this process)")]
    [InlineData(8, 8, 32, "warning", "8 of the machine's 32 threads (the affinity of this process)")]
    [InlineData(24, 24, 32, "ok", "24 of the machine's 32 threads (the affinity of this process)")]
    [InlineData(1, 1, 1, "warning", "1 threads")]
    public void Threads_that_a_quota_or_an_affinity_takes_away_are_told(int usable, int allowed, int machine, string state, string found)
    {
        var check = MemoryChecks.JudgeThreads(usable, allowed, machine);
        Assert.Equal((state, found), (Word(check), check.Found));
    }

    [Fact]
    public void Lists_of_processors_are_counted() => Assert.Equal([4, 6, 1, null, null], new[] { "0-3\n", "0-3,8-9", "5", "", "x" }.Select(CpuList.Count));

    [Theory]
    [InlineData("some avg10=0.26 avg60=0.12 avg300=0.15 total=495084488\nfull avg10=0.00", "ok")]
    [InlineData("some avg10=80.00 avg60=71.50 avg300=0.15 total=495084488", "warning")]
    [InlineData(null, "unknown")]
    public void A_disk_that_everybody_waits_for_is_seen_in_the_pressure(string? io, string state) => Assert.Equal(state, Word(MemoryChecks.JudgePressure(io)));

    [Fact]
    public void Version_1_of_control_groups_is_told_also_beside_version_2()
    {
        Assert.Equal("ok", Word(MemoryChecks.JudgeVersion([("/sys/fs/cgroup", "cgroup2")])));
        Assert.Equal("warning", Word(MemoryChecks.JudgeVersion([("/sys/fs/cgroup/memory", "cgroup"), ("/sys/fs/cgroup/unified", "cgroup2")])));
        Assert.Equal("unknown", Word(MemoryChecks.JudgeVersion([("/", "ext4")])));
    }

    [Fact]
    public void The_stand_in_is_named_when_it_is_in_use_and_an_old_library_without_it_is_a_fail()
    {
        Are("fail", "./mcn", ProgramChecks.JudgeStandardLibrary([new("/usr/lib/libstdc++.so.6.0.30", false)]));
        var check = ProgramChecks.JudgeStandardLibrary([new("/x/libstdc++.so.6", true), new("/usr/lib/libstdc++.so.6.0.30", false)]);
        Assert.Equal((CheckState.Ok, "the stand-in /x/libstdc++.so.6 is in use, over /usr/lib/libstdc++.so.6.0.30, which lacks it"), (check.State, check.Found));
        Assert.Equal("ok", Word(ProgramChecks.JudgeStandardLibrary([new("/usr/lib/libstdc++.so.6.0.33", true)])));
        Assert.Equal("unknown", Word(ProgramChecks.JudgeStandardLibrary([])));
    }

    [Fact]
    public void The_runtime_and_the_processor_are_told()
    {
        Assert.Equal("warning", Word(ProgramChecks.JudgeRuntime(".NET 11.0.0", new Version(11, 0))));
        Assert.Equal("fail", Word(ProgramChecks.JudgeProcessor(Architecture.Arm64, true, false)));
        Assert.Equal("warning", Word(ProgramChecks.JudgeProcessor(Architecture.X64, false, false)));
        Assert.Equal("ok", Word(ProgramChecks.JudgeProcessor(Architecture.X64, true, true)));
    }

    [Fact]
    public void Xids_of_the_kernels_log_are_told_with_their_meaning_and_none_is_told_where_there_is_no_GPU()
    {
        string[] lines =
        [
            "4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, name=dotnet, GPU has fallen off the bus.",
            "4,2,3,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, name=dotnet, GPU has fallen off the bus.",
            "6,3,4,-;Out of memory: Killed process 17",
        ];
        var checks = KernelLogChecks.Judge(lines, null, gpus: true).ToList();
        Assert.Equal("Xid 79 on PCI:0000:3b:00 (2 times): it has fallen off the bus", checks[1].Found);
        Are("warning", "Reboot", checks[1]);
        Assert.Single(KernelLogChecks.Judge(lines, null, gpus: false));
        Assert.Equal(["warning", "unknown"], KernelLogChecks.Judge(null, "no /dev/kmsg here", gpus: true).Select(Word));
    }

    [Fact]
    public void Tools_that_are_missing_never_fail()
    {
        var checks = ToolChecks.Judge(command => command == "gcc" ? "/usr/bin/gcc" : null).ToList();
        Assert.All(checks, check => Assert.Equal(CheckState.Unknown, check.State));
        Assert.StartsWith("objdump is not on PATH", checks[1].Found, StringComparison.Ordinal);
        Assert.All(ToolChecks.Judge(command => "/usr/bin/" + command), check => Assert.Equal(CheckState.Ok, check.State));
    }

    static string Word(Check check) => check.State.ToString().ToLowerInvariant();

    static void Are(string state, string remedy, Check check)
    {
        Assert.Equal(state, Word(check));
        if (remedy.Length == 0) Assert.Empty(check.Remedy);
        else Assert.Contains(remedy, check.Remedy, StringComparison.Ordinal);
    }
}
