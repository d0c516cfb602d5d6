using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>What the loader of a configuration does with its pack on this machine.</summary>
/// <param name="DiskVideosPerSecond">Videos used a second: in mode random measured with the shards' pages dropped from the cache before, in mode sequential from the disk's rate.</param>
/// <param name="MemoryVideosPerSecond">Out of memory.</param>
/// <param name="CpuSecondsPerVideo">Out of memory: decoding, pooling, cutting; all threads.</param>
public sealed record LoaderSpeed(ShardReading Reading, double DiskVideosPerSecond, double MemoryVideosPerSecond, double CpuSecondsPerVideo)
{
    /// <summary>Of each of the two measurements.</summary>
    static readonly TimeSpan Time = TimeSpan.FromSeconds(3);

    /// <summary>Of an epoch, in which each video is visited data.echo times.</summary>
    public double EpochSeconds(long videos) => videos * Reading.Echo / DiskVideosPerSecond;

    public static LoaderSpeed Measure(RunConfig config, IReadOnlyList<string> shards, double wholeVideosPerSecond)
    {
        var data = TrainingData.Open(config with { Optimizer = config.Optimizer with { Epochs = int.MaxValue } });
        foreach (var shard in shards) DiskProbe.DropPages(shard);
        var (disk, _) = Run(data);
        var (memory, cpu) = Run(data);
        var reading = data.Reading!;
        if (reading.Mode == ReadModes.Sequential) disk = Math.Min(memory, wholeVideosPerSecond * reading.Echo);
        return new LoaderSpeed(reading, disk, memory, cpu);
    }

    // From the beginning each time, so that the second run meets what the first one read.
    static (double VideosPerSecond, double CpuSecondsPerVideo) Run(TrainingData data)
    {
        using var batches = data.CreatePrefetcher(0, 0, inWindows: false);
        var (began, cpu, videos) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, 0L);
        do
        {
            var batch = batches.Next(CancellationToken.None);
            videos += batch.Videos.Length;
            batches.Return(batch);
        }
        while (Stopwatch.GetElapsedTime(began) < Time);
        return (videos / Stopwatch.GetElapsedTime(began).TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / videos);
    }
}
