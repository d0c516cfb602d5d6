using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host;

/// <summary>Rules on disks: space, how soon it ends, inodes, /dev/shm. Pure.</summary>
static class DiskRules
{
    const long MiB = 1L << 20, GiB = 1L << 30;
    const double HoursBad = 4, HoursGood = 8;

    public static IEnumerable<Finding> Judge(DiskReading disk, TimeSpan? timeToFull)
    {
        // A read-only store of features may be full to the last byte: nobody writes there.
        if (disk.Purpose == "features") yield break;
        if (disk.Purpose == SharedMemoryWatch.Purpose)
        {
            if (SharedMemory(disk) is { } shared) yield return shared;
            yield break;
        }

        if (Space(disk) is { } space) yield return space;
        if (Filling(disk, timeToFull) is { } filling) yield return filling;
        if (Inodes(disk) is { } inodes) yield return inodes;
    }

    /// <summary>5 % of the disk, but 50 GiB are enough on a large one, and a small one wants 2 GiB (a tiny one a fifth).</summary>
    internal static long WantedBytes(long total) => Math.Min(Math.Max(total / 20, Math.Min(2 * GiB, total / 5)), 50 * GiB);

    static Finding? Space(DiskReading disk)
    {
        if (disk is not { FreeBytes: { } free, TotalBytes: > 0 and var total }) return null;
        var wanted = WantedBytes(total);
        return new Finding(
            "disk_space_low",
            disk.Mount,
            Low(free, wanted, wanted * 1.25),
            $"{disk.Mount} ({disk.Purpose}) is nearly full: {Size(free)} of {Size(total)} free, {Size(wanted)} wanted. " +
            "A checkpoint that does not fit is lost. Delete old runs or checkpoints (./mcn checkpoint list), lower checkpoint.keep_last, " +
            "or move --data to a larger disk.",
            $"{disk.Mount} ({disk.Purpose}) has room again: {Size(free)} of {Size(total)} free.",
            Of(disk, ("free_bytes", Number(free)), ("total_bytes", Number(total)), ("wanted_bytes", Number(wanted))));
    }

    static Finding? Filling(DiskReading disk, TimeSpan? timeToFull)
    {
        if (disk.FreeBytes is not { } free) return null;
        var hours = timeToFull?.TotalHours;
        var told = string.Create(CultureInfo.InvariantCulture, $"{hours:0.#}");
        return new Finding(
            "disk_filling",
            disk.Mount,
            hours is { } left ? Low(left, HoursBad, HoursGood) : Health.Good,
            $"{disk.Mount} ({disk.Purpose}) will be full in about {told} h at the present rate; {Size(free)} are free. " +
            $"See what grows there (du -xh -d2 {disk.Mount} | sort -h | tail) and stop it, or make room.",
            $"{disk.Mount} ({disk.Purpose}) no longer fills quickly; {Size(free)} are free.",
            hours is null ? Of(disk, ("free_bytes", Number(free))) : Of(disk, ("free_bytes", Number(free)), ("hours_to_full", told)));
    }

    static Finding? Inodes(DiskReading disk)
    {
        if (disk is not { FreeInodes: { } free, TotalInodes: > 0 and var total }) return null;
        return new Finding(
            "inodes_low",
            disk.Mount,
            Low(free, Math.Min(total * 0.03, 10_000), Math.Min(total * 0.06, 20_000)),
            $"{disk.Mount} ({disk.Purpose}) runs out of inodes: {Number(free)} of {Number(total)} left. " +
            "When none is left, writing fails with \"No space left on device\" however many bytes are free. " +
            "Delete or pack directories of many small files (./mcn data pack).",
            $"{disk.Mount} ({disk.Purpose}) has inodes again: {Number(free)} of {Number(total)}.",
            Of(disk, ("free_inodes", Number(free)), ("total_inodes", Number(total))));
    }

    static Finding? SharedMemory(DiskReading disk)
    {
        if (disk is not { FreeBytes: { } free, TotalBytes: > 0 and var total }) return null;
        return new Finding(
            "shm_low",
            disk.Mount,
            Low(free, Math.Min(total * 0.1, 256 * MiB), Math.Min(total * 0.2, 512 * MiB)),
            $"{disk.Mount} is nearly full: {Size(free)} of {Size(total)} free. " +
            "Programs that use shared memory then die of SIGBUS. Remove what dead processes left there (ls -la /dev/shm); " +
            "in a container, start it with a larger --shm-size, not with --ipc=host.",
            $"{disk.Mount} has room again: {Size(free)} of {Size(total)} free.",
            Of(disk, ("free_bytes", Number(free)), ("total_bytes", Number(total))));
    }

    static Dictionary<string, string> Of(DiskReading disk, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var parameters = new Dictionary<string, string> { ["mount"] = disk.Mount, ["purpose"] = disk.Purpose };
        foreach (var (name, value) in more) parameters[name] = value;
        return parameters;
    }
}
