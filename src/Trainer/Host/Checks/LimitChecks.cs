using System.Globalization;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>What the kernel lets this process have: files, processes, pinned memory, maps, stack, core files. Judgements are pure.</summary>
static class LimitChecks
{
    const long FewFiles = 4096, TooFewFiles = 256, FewProcesses = 512, TooFewProcesses = 64, Maps = 65530, Stack = 8L << 20;
    const double NearlyAll = 0.9;

    public static readonly Precondition Files = new("open-files", "4,096 or more: each shard, journal and socket takes one");
    public static readonly Precondition Pinned = new("locked-memory", "unlimited where GPUs compute, so that pinned memory for transfers is not refused");
    public static readonly Precondition Processes = new("processes", "room for 512 threads or more (threads count as processes): replicas, readers and libtorch's pools");
    public static readonly Precondition MapCount = new("map-count", "vm.max_map_count of 65,530 or more, mostly unused: allocators and libraries take them");
    public static readonly Precondition StackSize = new("stack-size", "8 MiB or more: native code recurses deeply");
    public static readonly Precondition CoreFiles = new("core-files", "known: crash reports need no core file, and one of a trainer is as large as its memory");

    public static IEnumerable<Check> Read(bool gpus)
    {
        var limits = ResourceLimits.OfThisProcess();
        var (tasks, used) = new CgroupWatch().ReadTasks();
        yield return JudgeFiles(limits.OpenFiles, ProcText.Read("/proc/sys/fs/file-nr"));
        yield return JudgePinned(limits.LockedBytes, gpus);
        yield return JudgeProcesses(limits.Processes, tasks - (used ?? 0), ProcText.Number("/proc/sys/kernel/threads-max"));
        yield return JudgeMaps(ProcText.Number("/proc/sys/vm/max_map_count"), ProcText.Read("/proc/self/maps")?.Count(one => one == '\n'));
        yield return JudgeStack(limits.StackBytes);
        yield return JudgeCore(limits.CoreBytes, ProcText.Read("/proc/sys/kernel/core_pattern")?.Trim());
    }

    /// <param name="table">/proc/sys/fs/file-nr: in use, 0, the most.</param>
    public static Check JudgeFiles(long? limit, string? table)
    {
        const string remedy = "docker run --ulimit nofile=1048576, systemd LimitNOFILE=1048576, in a shell: ulimit -n 65536 (where that is refused: /etc/security/limits.conf)";
        if (limit is not { } files) return Files.Unknown("the limit is not told", "ulimit -n; " + remedy);
        if (table?.Split('\t') is [var inUse, _, var most] && double.TryParse(inUse, CultureInfo.InvariantCulture, out var open) && double.TryParse(most, CultureInfo.InvariantCulture, out var all) && open > NearlyAll * all)
            return Files.Warning($"{Number(open)} of the {Number(all)} files of the whole machine are open", "On the host: sudo sysctl -w fs.file-max=9223372036854775807; see who holds them: sudo lsof | awk '{print $1}' | sort | uniq -c | sort -n | tail");
        return files < TooFewFiles ? Files.Fail(Count(files), remedy) : files < FewFiles ? Files.Warning(Count(files), remedy) : Files.Ok(Count(files));
    }

    public static Check JudgePinned(long? limit, bool gpus) => limit switch
    {
        null => Pinned.Unknown("the limit is not told", "ulimit -l"),
        ResourceLimits.Unlimited => Pinned.Ok("unlimited"),
        { } bytes when gpus => Pinned.Warning(Size(bytes), "docker run --ulimit memlock=-1, systemd LimitMEMLOCK=infinity, in a shell: ulimit -l unlimited"),
        { } bytes => Pinned.Ok($"{Size(bytes)}; no GPU computes here"),
    };

    /// <param name="room">What is left below the control group's limit; null: none is set.</param>
    public static Check JudgeProcesses(long? limit, long? room, long? machine)
    {
        if (limit is null && room is null && machine is null) return Processes.Unknown("no limit is told", "ulimit -u; cat /sys/fs/cgroup/pids.max");
        var (least, whose) = new[] { (limit ?? long.MaxValue, "this user's limit"), (machine ?? long.MaxValue, "the machine's limit"), (room ?? long.MaxValue, "left below this container's or service's limit") }.MinBy(one => one.Item1);
        var found = $"{Count(least)} ({whose})";
        const string remedy = "docker run --pids-limit=-1, systemd TasksMax=infinity, in a shell: ulimit -u unlimited";
        return least < TooFewProcesses ? Processes.Fail(found, remedy) : least < FewProcesses ? Processes.Warning(found, remedy) : Processes.Ok(found);
    }

    /// <param name="used">Maps of this process.</param>
    public static Check JudgeMaps(long? limit, int? used)
    {
        if (limit is not { } most) return MapCount.Unknown("/proc/sys/vm/max_map_count is not told", "sysctl vm.max_map_count");
        return most < Maps || used > NearlyAll * most ? MapCount.Warning(Count(most), "On the host: sudo sysctl -w vm.max_map_count=262144") : MapCount.Ok(Count(most));
    }

    public static Check JudgeStack(long? limit) => limit switch
    {
        null => StackSize.Unknown("the limit is not told", "ulimit -s"),
        < Stack => StackSize.Warning(Size(limit.Value), "docker run --ulimit stack=67108864, systemd LimitSTACK=67108864, in a shell: ulimit -s 65536"),
        ResourceLimits.Unlimited => StackSize.Ok("unlimited"),
        { } bytes => StackSize.Ok(Size(bytes)),
    };

    public static Check JudgeCore(long? limit, string? pattern)
    {
        if (limit is null || pattern is null) return CoreFiles.Unknown("limit or pattern is not told", "ulimit -c; cat /proc/sys/kernel/core_pattern");
        var piped = pattern.StartsWith('|');
        var where = piped ? $"handed to {pattern[1..].Split(' ')[0]}" : pattern.StartsWith('/') ? $"written as {pattern}" : $"written as '{pattern}' into the folder of the process that died";
        return CoreFiles.Ok(limit == 0 && !piped ? "none is written (limit 0)" : where);
    }

    static string Count(long number) => number == ResourceLimits.Unlimited ? "unlimited" : number.ToString("N0", CultureInfo.InvariantCulture);
}
