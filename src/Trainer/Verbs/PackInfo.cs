using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Disk;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>
/// `data info` of a pack: what it holds, what its disk gives, and, with a configuration, how it will be read, how well that shuffles, and
/// what the loader itself does with it: from the disk and out of memory.
/// </summary>
static class PackInfo
{
    /// <param name="config">Null: only the folder is known.</param>
    public static void Print(RunConfig? config, string folder, DiskProbe probe, bool asJson)
    {
        var manifest = ShardStore.ReadManifest(folder);
        var shards = manifest.Shards.Select(shard => Path.Combine(folder, shard.Tar)).Where(File.Exists).ToList();
        var device = BlockDevice.Of(folder);
        var rates = probe.Measure(shards);
        var plan = ReadPlan.Of(device, rates);
        var bytesPerVideo = manifest.Shards.Sum(shard => shard.Bytes) / (double)manifest.Videos;
        var speed = config is null ? null : LoaderSpeed.Measure(config, shards, rates.SequentialBytesPerSecond / bytesPerVideo);
        if (asJson) PrintJson();
        else PrintText();

        void PrintJson() => Console.WriteLine(new JsonObject
        {
            ["path"] = folder,
            ["layout"] = "pack",
            ["encoding"] = manifest.Encoding,
            ["videos"] = manifest.Videos,
            ["captions"] = manifest.Captions,
            ["shards"] = manifest.Shards.Length,
            ["skipped"] = manifest.Skipped.Length,
            ["bytes"] = manifest.Bytes,
            ["seed"] = manifest.Seed,
            ["disk"] = DataInfoVerb.DiskJson(device, rates, areSmall: false),
            ["mode"] = speed?.Reading.Mode ?? plan.Mode,
            ["because"] = speed?.Reading.Because ?? plan.Because,
            ["mode_by_measurement"] = plan.Mode,
            ["togetherness"] = speed?.Reading.Togetherness,
            ["shards_per_window"] = speed?.Reading.ShardsPerWindow,
            ["encodings"] = new JsonArray(new JsonObject
            {
                ["encoding"] = manifest.Encoding,
                ["bytes_per_video"] = bytesPerVideo,
                ["estimated"] = false,
                ["videos_per_second"] = speed?.DiskVideosPerSecond ?? rates.SequentialBytesPerSecond / bytesPerVideo,
                ["epoch_seconds"] = speed?.EpochSeconds(manifest.Videos) ?? (manifest.Videos * bytesPerVideo / rates.SequentialBytesPerSecond),
                ["cpu_seconds_per_video"] = speed?.CpuSecondsPerVideo,
            }),
        }.ToJsonString());

        void PrintText()
        {
            DataInfoVerb.Line($"{folder}: {manifest.Videos:N0} videos, {manifest.Captions:N0} captions as {manifest.Encoding} in {manifest.Shards.Length:N0} shards, {manifest.Bytes / 1e9:0.###} GB, permuted with seed {manifest.Seed}");
            if (manifest.Skipped.Length > 0) DataInfoVerb.Line($"{manifest.Skipped.Length} videos were left out when it was packed (manifest.json says which and why)");
            if (PackEncodings.Parse(manifest.Encoding, folder).IsPooled()) DataInfoVerb.Line($"its clips are those of min_time {manifest.MinTime} s and feature_framerate {manifest.FeatureFramerate}");
            DataInfoVerb.DiskLines(device, rates);
            DataInfoVerb.Line($"the measurement recommends read_mode {plan.Mode}: {plan.Because}");
            DataInfoVerb.Line($"read whole in sequence: {bytesPerVideo / 1e6:0.###} MB/video, {rates.SequentialBytesPerSecond / bytesPerVideo:F0} videos/s, an epoch in {DataInfoVerb.Span(manifest.Videos * bytesPerVideo / rates.SequentialBytesPerSecond)}");
            if (speed is null)
            {
                DataInfoVerb.Line($"give a configuration instead of the folder to measure the loader on it");
                return;
            }

            DataInfoVerb.Line($"{ConsoleReport.Reading(speed.Reading)}");
            DataInfoVerb.Line($"from this disk with {config!.Data.NumThreadReader} readers: {speed.DiskVideosPerSecond:F0} videos/s, an epoch in {DataInfoVerb.Span(speed.EpochSeconds(manifest.Videos))}");
            DataInfoVerb.Line($"out of memory: {speed.MemoryVideosPerSecond:F0} videos/s, {speed.CpuSecondsPerVideo * 1e3:0.##} ms of CPU a video");
        }
    }
}
