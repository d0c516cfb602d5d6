using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Host;

/// <summary>The machine around the training, for the supervisor, every few seconds. One caller at a time; bounded work.</summary>
/// <param name="places">Folders whose file systems matter; /dev/shm is always looked at.</param>
public sealed class HostSampler(IEnumerable<WatchedPlace> places, TimeProvider time)
{
    readonly DiskWatch disks = new(places);
    readonly InotifyWatch inotify = new(time);
    readonly CgroupWatch cgroup = new();
    readonly CpuWatch cpu = new();

    /// <param name="workerPid">Null when no worker runs.</param>
    public HostSample Sample(int? workerPid)
    {
        var (total, available) = MemoryWatch.Machine();
        var (limit, used) = cgroup.Read();
        var watches = inotify.Read();
        return new HostSample
        {
            MemoryTotalBytes = total,
            MemoryAvailableBytes = available,
            CgroupLimitBytes = limit,
            CgroupUsedBytes = used,
            CpuUtilization = cpu.Take(),
            WorkerMemoryBytes = workerPid is { } pid ? MemoryWatch.Resident(pid) : null,
            Disks = SharedMemoryWatch.Read() is { } shared ? [.. disks.Read(), shared] : disks.Read(),
            InotifyWatches = watches.Watches,
            InotifyWatchLimit = watches.WatchLimit,
            InotifyInstances = watches.Instances,
            InotifyInstanceLimit = watches.InstanceLimit,
        };
    }
}
