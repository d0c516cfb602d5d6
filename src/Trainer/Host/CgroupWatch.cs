using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>The limits of our control group (container, systemd unit, Slurm job) on memory and tasks and what is used of them; version 2, else 1.</summary>
/// <remarks>
/// Limits hold for a group with everything below it, so every group from ours up to the visible root counts; the one with the least
/// room left is told. Used is without file cache, which the kernel takes back before it kills: a trainer that reads terabytes
/// fills any limit with cache, and that is no danger.
/// </remarks>
/// <param name="root">`/`, or a folder in its place.</param>
sealed class CgroupWatch(string root = "/")
{
    // Version 1 writes "no limit" as the largest multiple of a page.
    const long Unlimited = 1L << 60;

    readonly string membership = ProcText.Read(Path.Join(root, "proc/self/cgroup")) ?? "";
    readonly MountTable mounts = MountTable.Parse(ProcText.Read(Path.Join(root, "proc/self/mountinfo")) ?? "");

    /// <summary>Both null when nothing limits us.</summary>
    public (long? LimitBytes, long? UsedBytes) Read() => Narrowest(Groups("memory", LimitOfMemory, Used));

    /// <summary>The same of processes and threads (`pids`), which the kernel counts together.</summary>
    public (long? Limit, long? Used) ReadTasks() =>
        Narrowest(Groups("pids", (folder, _) => Limit(folder, "pids.max"), (folder, _) => ProcText.Number(Path.Join(folder, "pids.current"))));

    static (long? Limit, long? Used) Narrowest(IEnumerable<(long Limit, long? Used)> groups)
    {
        var narrowest = groups.OrderBy(group => group.Limit - (group.Used ?? 0)).FirstOrDefault();
        return narrowest.Limit == 0 ? (null, null) : (narrowest.Limit, narrowest.Used);
    }

    IEnumerable<(long Limit, long? Used)> Groups(string controller, Func<string, bool, long?> limitOf, Func<string, bool, long?> usedOf)
    {
        foreach (var line in membership.Split('\n'))
        {
            var fields = line.Split(':', 3); // number : controllers : path
            if (fields.Length < 3) continue;
            var (second, first) = (fields[1].Length == 0, fields[1].Split(',').Contains(controller));
            if (!second && !first) continue;
            foreach (var folder in Folders(second, fields[2], controller))
                if (limitOf(folder, second) is { } limit) yield return (limit, usedOf(folder, second));
        }
    }

    IEnumerable<string> Folders(bool second, string group, string controller)
    {
        var mount = mounts.Mounts.LastOrDefault(one => second
            ? one.FileSystem == "cgroup2"
            : one.FileSystem == "cgroup" && one.Point.Split('/')[^1].Split(',').Contains(controller));
        if (mount is null) yield break;
        // In a container the mount begins at the container's own group, while the membership may be written from the host's root.
        var relative = mount.Root != "/" && group.StartsWith(mount.Root, StringComparison.Ordinal) ? group[mount.Root.Length..] : group;
        var top = Path.Join(root, mount.Point);
        for (var at = relative.Trim('/'); at.Length > 0; at = at[..Math.Max(0, at.LastIndexOf('/'))]) yield return Path.Join(top, at);
        yield return top;
    }

    static long? LimitOfMemory(string folder, bool second) => Limit(folder, second ? "memory.max" : "memory.limit_in_bytes");

    static long? Limit(string folder, string file)
    {
        var text = ProcText.Read(Path.Join(folder, file));
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var limit) && limit is > 0 and < Unlimited
            ? limit
            : null; // "max", or no such file: the group does not exist below this mount
    }

    static long? Used(string folder, bool second)
    {
        var used = ProcText.Number(Path.Join(folder, second ? "memory.current" : "memory.usage_in_bytes"));
        var statistics = ProcText.Read(Path.Join(folder, "memory.stat"));
        var prefix = second ? "" : "total_";
        var cache = (ProcText.Field(statistics, prefix + "active_file") ?? 0) + (ProcText.Field(statistics, prefix + "inactive_file") ?? 0);
        return used is { } all ? Math.Max(0, all - cache) : null;
    }
}
