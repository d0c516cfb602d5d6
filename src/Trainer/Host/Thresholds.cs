using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Host;

/// <summary>
/// From samples to alerts. Pure: samples and a clock value in, alerts out; every state is raised once and cleared once, with a gap
/// between the two thresholds so that a figure on the edge does not flicker. An unknown figure changes nothing.
/// </summary>
/// <remarks>Codes: disk_space_low, disk_filling, inodes_low, shm_low, memory_low, inotify_watches_low, inotify_instances_low,
/// gpu_hot, gpu_memory_high, each with its `…_cleared`; gpu_xid, an event, has none.</remarks>
public sealed class Thresholds
{
    /// <summary>A sick GPU may repeat an Xid many times a second.</summary>
    static readonly TimeSpan BetweenSameXid = TimeSpan.FromMinutes(10);

    readonly AlertLatch latch = new();
    readonly Dictionary<string, FillForecast> forecasts = [];
    readonly Dictionary<(string Gpu, int Xid), DateTimeOffset> toldXids = [];

    /// <summary>Raised and not cleared yet: for a run that begins while something is wrong already.</summary>
    public IReadOnlyCollection<Alert> Standing => latch.Standing;

    public IReadOnlyList<Alert> Take(HostSample sample, DateTimeOffset now) =>
        latch.Take([.. sample.Disks.SelectMany(disk => DiskRules.Judge(disk, TimeToFull(disk, now))), .. HostRules.Judge(sample)]);

    public IReadOnlyList<Alert> Take(GpuSample sample, DateTimeOffset now)
    {
        var xids =
            from gpu in sample.Gpus
            from xid in gpu.Xids
            where IsNews(gpu, xid, now)
            select GpuRules.Xid(gpu, xid, sample.Simulated);
        return [.. xids, .. latch.Take(sample.Gpus.SelectMany(gpu => GpuRules.Judge(gpu, sample.Simulated)))];
    }

    bool IsNews(GpuReading gpu, int xid, DateTimeOffset now)
    {
        var key = (GpuRules.Subject(gpu), xid);
        if (toldXids.TryGetValue(key, out var told) && now >= told && now - told < BetweenSameXid) return false;
        toldXids[key] = now;
        return true;
    }

    TimeSpan? TimeToFull(DiskReading disk, DateTimeOffset now)
    {
        if (disk.FreeBytes is not { } free) return null;
        if (!forecasts.TryGetValue(disk.Mount, out var forecast)) forecasts[disk.Mount] = forecast = new FillForecast();
        forecast.Add(now, free);
        return forecast.TimeToFull(free);
    }
}
