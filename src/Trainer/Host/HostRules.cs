using Mcn.Web.Shared.Telemetry;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host;

/// <summary>Rules on memory and inotify. Pure.</summary>
static class HostRules
{
    const long GiB = 1L << 30;

    public static IEnumerable<Finding> Judge(HostSample sample)
    {
        if (sample is { MemoryAvailableBytes: { } available, MemoryTotalBytes: > 0 and var total })
        {
            yield return Memory("host", available, total, "this machine",
                "the kernel will kill the largest process. Lower data.read_ahead_bytes, or end other jobs on this machine.");
        }

        if (sample is { CgroupUsedBytes: { } used, CgroupLimitBytes: > 0 and var limit })
        {
            yield return Memory("cgroup", Math.Max(0, limit - used), limit, "this container (control group)",
                "the kernel will kill the trainer. Raise its limit (docker run --memory, MemoryMax=), or lower data.read_ahead_bytes.");
        }

        if (sample is { InotifyWatches: { } watches, InotifyWatchLimit: > 0 and var watchLimit })
        {
            yield return Inotify("inotify_watches_low", "inotify_add_watch(…) failed: No space left on device", watches, watchLimit,
                "watches", "fs.inotify.max_user_watches=1048576");
        }

        if (sample is { InotifyInstances: { } instances, InotifyInstanceLimit: > 0 and var instanceLimit })
        {
            yield return Inotify("inotify_instances_low", "inotify_init() failed: Too many open files", instances, instanceLimit,
                "instances", "fs.inotify.max_user_instances=1024");
        }
    }

    /// <summary>5 % of the memory, 4 GiB at most.</summary>
    static Finding Memory(string scope, long available, long total, string where, string consequence)
    {
        var wanted = Math.Min(total / 20, 4 * GiB);
        return new Finding(
            "memory_low",
            scope,
            Low(available, wanted, wanted * 1.5),
            $"{Size(available)} of {Size(total)} memory are left on {where}: before long {consequence}",
            $"Memory is available again on {where}: {Size(available)} of {Size(total)}.",
            new Dictionary<string, string>
            {
                ["scope"] = scope,
                ["available_bytes"] = Number(available),
                ["total_bytes"] = Number(total),
            });
    }

    static Finding Inotify(string code, string symptom, long used, long limit, string what, string setting) => new(
        code,
        "",
        High((double)used / limit, 0.9, 0.8),
        $"{Number(used)} of {Number(limit)} inotify {what} of this user are in use. When none is left, programs say " +
        $"\"{symptom}\"; the disk is not full, and training is not harmed by it. " +
        $"On the host (not in the container): sudo sysctl -w {setting}",
        $"inotify {what} are free again: {Number(used)} of {Number(limit)} in use.",
        new Dictionary<string, string> { ["used"] = Number(used), ["limit"] = Number(limit) });
}
