using System.CommandLine;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
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
        var costs = Costs(config, videos, out var unmeasured);
        var readers = Math.Min(config.Data.NumThreadReader, Environment.ProcessorCount);
        var encodings = EncodingSizes.Of(sample.Sizes, config.Model.FeatureDim)
            .Select(size => new EncodingSpeed(size, size.IsEstimate ? rates.SequentialBytesPerSecond / size.BytesPerVideo : measured,
                costs.TryGetValue(size.Encoding, out var cost) ? cost : null, readers)).ToList();
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
            ["cpu_unmeasured_because"] = unmeasured,
            ["encodings"] = new JsonArray([.. encodings.Select(one => (JsonNode)new JsonObject
            {
                ["encoding"] = one.Size.Encoding,
                ["bytes_per_video"] = one.Size.BytesPerVideo,
                ["estimated"] = one.Size.IsEstimate,
                ["disk_videos_per_second"] = one.DiskVideosPerSecond,
                ["cpu_seconds_per_video"] = one.CpuSecondsPerVideo,
                ["readers"] = one.Readers,
                ["videos_per_second"] = one.VideosPerSecond,
                ["limited_by"] = one.LimitedBy,
                ["epoch_seconds"] = one.EpochSeconds(videos.Count),
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
            Line($"encoding      MB/video  disk videos/s  CPU ms/video  videos/s    an epoch  limited by");
            foreach (var one in encodings)
                Line($"{one.Size.Encoding,-12} {one.Size.BytesPerVideo / 1e6,9:0.###} {one.DiskVideosPerSecond,14:F0} {(one.CpuSecondsPerVideo is { } cost ? cost * 1e3 : double.NaN),13:0.##} {one.VideosPerSecond,9:F0}  {Span(one.EpochSeconds(videos.Count)),10}  {one.LimitedBy}");
            Line($"disk: original measured in random order by one reader, the others from the shapes in sequence; CPU: measured out of memory, {readers} readers can run");
            if (unmeasured is not null) Line($"the CPU time could not be measured, so it limits nothing here: {unmeasured}");
        }
    }

    static IReadOnlyDictionary<string, double> Costs(RunConfig config, VideoList videos, out string? unmeasured)
    {
        try
        {
            unmeasured = null;
            return EncodingCosts.Measure(config, videos, Directory.CreateTempSubdirectory("mcn-info-").FullName, CancellationToken.None);
        }
        catch (Exception error) when (error is UserError or IOException)
        {
            unmeasured = error.Message; // no space for a few packed videos, for one: the disk's figures are still true
            return new Dictionary<string, double>();
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
