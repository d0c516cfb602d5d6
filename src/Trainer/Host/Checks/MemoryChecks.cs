using Mcn.Web.Shared.Telemetry;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>Memory, the control group and its version, processors, pressure. Judgements are pure; alerts and checks have the same thresholds.</summary>
static class MemoryChecks
{
    const double BusyDiskPercent = 40;

    public static readonly Precondition Memory = new("memory", "memory to spare: the kernel ends the largest process when none is left. What a run needs: ./mcn plan --config FILE");
    public static readonly Precondition Group = new("memory-limit", "no limit on this container or service, or one with room below it");
    public static readonly Precondition Version = new("cgroup-version", "control groups version 2, from which crash reports tell who was killed for memory");
    public static readonly Precondition Threads = new("cpu-threads", "two threads or more, and at least half of the machine's, for reading and decoding");
    public static readonly Precondition Pressure = new("pressure", "the kernel's pressure figures, by which a slow disk is seen; the disk not a bottleneck now");

    public static IEnumerable<Check> ReadMemory()
    {
        var (total, available) = MemoryWatch.Machine();
        var (limit, used) = new CgroupWatch().Read();
        return JudgeMemory(total, available, limit, used);
    }

    public static IEnumerable<Check> JudgeMemory(long? total, long? available, long? limit, long? used)
    {
        var low = HostRules.Judge(new HostSample
        {
            MemoryTotalBytes = total, MemoryAvailableBytes = available, CgroupLimitBytes = limit, CgroupUsedBytes = used, CpuUtilization = null,
            WorkerMemoryBytes = null, Disks = [], InotifyWatches = null, InotifyWatchLimit = null, InotifyInstances = null, InotifyInstanceLimit = null,
        }).Where(finding => finding.Health == Health.Bad).Select(finding => finding.Subject).ToHashSet();
        yield return total is not { } all || available is not { } free ? Memory.Unknown("/proc/meminfo does not tell", "Mount /proc in this container")
            : low.Contains("host") ? Memory.Warning($"{Size(free)} of {Size(all)} available", "End other jobs on this machine (ps aux --sort -rss | head), or lower data.read_ahead_bytes")
            : Memory.Ok($"{Size(free)} of {Size(all)} available");
        yield return limit is not { } bound ? Group.Ok("no limit")
            : low.Contains("cgroup") ? Group.Warning($"{Size(used ?? 0)} of {Size(bound)} in use", "Raise it (docker run --memory, systemd MemoryMax=), or lower data.read_ahead_bytes")
            : Group.Ok(used is { } taken ? $"{Size(bound)}, of which {Size(taken)} in use" : Size(bound));
    }

    public static Check ReadVersion() => JudgeVersion(MountTable.Read().Mounts.Select(mount => (mount.Point, mount.FileSystem)));

    public static Check JudgeVersion(IEnumerable<(string Point, string FileSystem)> mounts)
    {
        var all = mounts.ToList();
        if (all.Contains(("/sys/fs/cgroup", "cgroup2"))) return Version.Ok("version 2");
        const string remedy = "Memory limits are read from version 1 too; for the rest, boot the host with systemd.unified_cgroup_hierarchy=1";
        return all.Any(mount => mount.FileSystem == "cgroup") ? Version.Warning("version 1", remedy) : Version.Unknown("no control groups are mounted here", "In a container, mount /sys/fs/cgroup read-only");
    }

    public static Check ReadThreads() =>
        JudgeThreads(Environment.ProcessorCount, CpuList.Count(StatusLine("Cpus_allowed_list")), CpuList.Count(ProcText.Read("/sys/devices/system/cpu/online")));

    /// <param name="usable">What .NET and libtorch take: affinity and quota.</param>
    /// <param name="allowed">Affinity alone.</param>
    public static Check JudgeThreads(int usable, int? allowed, int? machine)
    {
        var found = usable == machine || machine is null ? $"{usable} threads" : $"{usable} of the machine's {machine} threads ({(usable < allowed ? "a quota" : "the affinity")} of this process)";
        const string remedy = "Give it more: docker run --cpus / --cpuset-cpus, systemd CPUQuota= / AllowedCPUs=, taskset, Slurm --cpus-per-task; unset DOTNET_PROCESSOR_COUNT";
        return usable < 2 || usable * 2 < machine ? Threads.Warning(found, machine > usable ? remedy : "Reading and computing share one thread: use a machine with more") : Threads.Ok(found);
    }

    public static Check JudgePressure(string? io)
    {
        if (io is null) return Pressure.Unknown("/proc/pressure is not there", "Boot the host with psi=1 (a kernel from 4.20 on)");
        var at = io.IndexOf("avg60=", StringComparison.Ordinal);
        if (at < 0 || !double.TryParse(io[(at + 6)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture, out var percent))
            return Pressure.Unknown("/proc/pressure/io is not understood", "cat /proc/pressure/io");
        var found = $"something waited for a disk in {Number(percent)} % of the last minute";
        return percent >= BusyDiskPercent ? Pressure.Warning(found, "See who reads or writes (sudo iotop -o); ./mcn data info measures what the features' disk gives, ./mcn data pack makes it read in one stream") : Pressure.Ok(found);
    }

    static string? StatusLine(string name) =>
        ProcText.Read("/proc/self/status")?.Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal))?[(name.Length + 1)..];
}

/// <summary>The kernel's lists of processors: `0-3,8`.</summary>
static class CpuList
{
    public static int? Count(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        var count = 0;
        foreach (var part in text.Trim().Split(','))
        {
            var ends = part.Split('-');
            if (!int.TryParse(ends[0], out var first) || !int.TryParse(ends[^1], out var last)) return null;
            count += last - first + 1;
        }

        return count;
    }
}
