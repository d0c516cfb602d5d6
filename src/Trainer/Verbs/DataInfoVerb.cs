using System.CommandLine;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Disk;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data info`: what a data set is, what its disk gives, and how long an epoch takes to read in each encoding.</summary>
static class DataInfoVerb
{
    const int SampledVideosCount = 200;
    const long MostBytes = 512L << 20;
    const long SmallFileBytes = 8_000_000;
    static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);

    static readonly Argument<FileInfo> Config = new("PATH") { Description = "Configuration of a run (JSON), or the folder of a pack" };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "Print JSON" };

    public static Command Command()
    {
        var command = new Command("info", "Describes a data set and measures its disk: which way to read, how many videos a second it allows, how long an epoch takes in each encoding")
        {
            Config, Set, Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var file = arguments.GetRequiredValue(Config).FullName;
        var config = Directory.Exists(file) ? null : RunConfigFile.Read(file, arguments.GetValue(Set) ?? []);
        if (config is not { Data.Shards.Length: 0 })
        {
            PackInfo.Print(config, config?.Data.Shards ?? file, new DiskProbe(MostBytes, MostTime), arguments.GetValue(Json));
            return ExitCodes.Done;
        }

        var videos = VideoList.Read(config.Data.TrainCsv);
        var captions = CaptionDraft.Count(config.Data.CaptionPath, videos);
        var sample = SampledVideos.Of(config, videos, SampledVideosCount, captions / (double)videos.Count);
        var device = BlockDevice.Of(config.Data.FeaturesPath);
        var probe = new DiskProbe(MostBytes, MostTime);
        // The largest first: a rate in sequence out of small files would be that of opening them.
        string[] candidates = [config.Data.CaptionPath, config.Data.Word2vecPath, .. sample.Files.SelectMany(files => files)];
        candidates = [.. candidates.Where(File.Exists).OrderByDescending(name => new FileInfo(name).Length)];
        var rates = probe.Measure(candidates);
        var areSmall = new FileInfo(candidates[0]).Length < SmallFileBytes;
        var measured = probe.VideosPerSecond(sample.Files);
        var plan = ReadPlan.Of(device, rates);
        var encodings = EncodingSizes.Of(sample.Sizes, config.Model.FeatureDim)
            .Select(size => (Size: size, Rate: size.IsEstimate ? rates.SequentialBytesPerSecond / size.BytesPerVideo : measured)).ToList();
        if (arguments.GetValue(Json)) PrintJson();
        else Print();
        return ExitCodes.Done;

        void PrintJson() => Console.WriteLine(new JsonObject
        {
            ["path"] = file,
            ["layout"] = "original",
            ["videos"] = videos.Count,
            ["captions"] = captions,
            ["sampled_videos"] = sample.Files.Count,
            ["unreadable_in_sample"] = sample.Unreadable,
            ["bytes_estimated"] = sample.Sizes.FileBytes * videos.Count,
            ["disk"] = DiskJson(device, rates, areSmall),
            ["mode"] = plan.Mode,
            ["because"] = plan.Because,
            ["encodings"] = new JsonArray([.. encodings.Select(one => (JsonNode)new JsonObject
            {
                ["encoding"] = one.Size.Encoding,
                ["bytes_per_video"] = one.Size.BytesPerVideo,
                ["estimated"] = one.Size.IsEstimate,
                ["videos_per_second"] = one.Rate,
                ["epoch_seconds"] = videos.Count / one.Rate,
            })]),
        }.ToJsonString());

        void Print()
        {
            Line($"{file}: {videos.Count:N0} videos in the original's layout, {captions:N0} captions, about {sample.Sizes.FileBytes * videos.Count / 1e9:0.###} GB");
            if (sample.Unreadable > 0) Line($"{sample.Unreadable} of {sample.Files.Count + sample.Unreadable} sampled videos cannot be read: `data check` says why");
            DiskLines(device, rates);
            if (areSmall) Line($"no file here is larger than {SmallFileBytes / 1e6:F0} MB: the rate in sequence is mostly that of opening files; packed shards are read faster than this says");
            Line($"mode {plan.Mode}: {plan.Because}");
            Line($"");
            Line($"encoding      MB/video  videos/s    an epoch");
            foreach (var (size, rate) in encodings)
                Line($"{size.Encoding,-12} {size.BytesPerVideo / 1e6,9:0.###} {rate,9:F0}  {Span(videos.Count / rate),10}{(size.IsEstimate ? "  from the shapes" : "  measured, one reader, random order")}");
        }
    }

    internal static JsonObject DiskJson(BlockDevice device, DiskRates rates, bool areSmall) => new()
    {
        ["mount"] = device.Mount,
        ["file_system"] = device.FileSystem,
        ["device"] = device.Name,
        ["rotational"] = device.IsRotational,
        ["sequential_bytes_per_second"] = rates.SequentialBytesPerSecond,
        ["random_reads_per_second"] = rates.RandomReadsPerSecond,
        ["random_read_bytes"] = DiskProbe.RandomReadBytes,
        ["cached_bytes_per_second"] = rates.CachedBytesPerSecond,
        ["looks_cached"] = rates.LooksCached,
        ["files_are_small"] = areSmall,
    };

    internal static void DiskLines(BlockDevice device, DiskRates rates)
    {
        Line($"disk {device.Name ?? "(no block device)"}, {device.FileSystem} on {device.Mount}, rotational: {(device.IsRotational is { } flag ? flag ? "yes" : "no" : "unknown")}");
        Line($"one reader: {rates.SequentialBytesPerSecond / 1e6:F0} MB/s in sequence, {rates.RandomReadsPerSecond:F0} random reads a second; memory gives {rates.CachedBytesPerSecond / 1e6:F0} MB/s");
        if (rates.LooksCached) Line($"the disk answered as fast as memory: a cache could not be avoided, the figures are its");
    }

    internal static void Line(FormattableString text) => Console.WriteLine(FormattableString.Invariant(text));

    internal static string Span(double seconds) => seconds < 60 ? FormattableString.Invariant($"{seconds:0.0} s") : $"{(long)seconds / 3600}:{(long)seconds / 60 % 60:00}:{(long)seconds % 60:00}";
}
