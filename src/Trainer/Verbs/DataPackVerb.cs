using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data pack`: the original's folders into shards that a disk reads in one stroke, whole or as a portable subset.</summary>
static class DataPackVerb
{
    const int ExamplesShown = 5;

    static readonly Argument<FileInfo> Config = new("CONFIG") { Description = "Configuration of a run (JSON) over the original's layout" };
    static readonly Argument<DirectoryInfo> Out = new("OUT") { Description = "Folder of the pack: new, empty, or an interrupted pack" };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<string> Encoding = new("--encoding") { Description = $"{string.Join(", ", PackEncodings.All)}: as is, 8 bits, one pooled row a caption (exact or 8 bits)", DefaultValueFactory = _ => "fp16" };
    static readonly Option<string?> Videos = new("--videos") { Description = "So many videos, drawn by the seed, or a csv with a column `path` (default: all)" };
    static readonly Option<int?> Captions = new("--captions") { Description = "The first so many captions of each video, and nothing of the video after them (default: all)" };
    static readonly Option<int> ShardMegabytes = new("--shard-mb") { Description = "Size of a shard, MB", DefaultValueFactory = _ => 512 };
    static readonly Option<double?> FitGigabytes = new("--fit-gb") { Description = "As many videos as fit into this size, GB (10^9 bytes), all files of the pack counted", Validators = { UsageMistakes.PointOnly } };
    static readonly Option<long> Seed = new("--seed") { Description = "Of the permutation that spreads the videos over the shards", DefaultValueFactory = _ => 1 };
    static readonly Option<int?> Threads = new("--threads") { Description = "Videos are read and encoded by so many threads (default: data.num_thread_reader)" };
    static readonly Option<bool> Json = new("--json") { Description = "Print the manifest as JSON" };

    public static Command Command()
    {
        var command = new Command("pack", "Packs a data set into WebDataset-compatible tar shards; exit code 1 when videos had to be left out. "
            + "Interrupted, it goes on behind the last whole shard; a finished pack is verified")
        {
            Config, Out, Set, Encoding, Videos, Captions, ShardMegabytes, FitGigabytes, Seed, Threads, Json,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var config = RunConfigFile.Read(arguments.GetRequiredValue(Config).FullName, arguments.GetValue(Set) ?? []);
        var request = Request(arguments, config);
        using var stop = new CancellationTokenSource();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var began = Stopwatch.GetTimestamp();
        PackManifest manifest;
        using (var line = new ProgressLine(" written"))
        {
            try
            {
                manifest = DataPack.Run(config, request, estimate => Announce(request, estimate),
                    at => line.Show(at.Done, at.Videos, at.DoneNow, at.BytesNow, $"{at.ShardsKept} shards kept  {at.Skipped} left out"), stop.Token);
            }
            catch (OperationCanceledException)
            {
                line.Dispose();
                Console.Error.WriteLine("stopped; the same command goes on behind the last whole shard");
                return ExitCodes.SavedAndReleased;
            }
        }

        if (arguments.GetValue(Json)) Console.WriteLine(File.ReadAllText(Path.Combine(request.Folder, "manifest.json")));
        else Print(request.Folder, manifest, Stopwatch.GetElapsedTime(began));
        return manifest.Skipped.Length == 0 ? ExitCodes.Done : ExitCodes.Fails;
    }

    static PackRequest Request(ParseResult arguments, RunConfig config)
    {
        var megabytes = InRange("--shard-mb", arguments.GetValue(ShardMegabytes), 1, 100_000);
        long? fit = arguments.GetValue(FitGigabytes) is { } gigabytes ? (long)(InRange("--fit-gb", gigabytes, 1e-6, 1e9) * 1e9) : null;
        int? captions = arguments.GetValue(Captions) is { } count ? (int)InRange("--captions", count, 1, int.MaxValue) : null;
        var threads = (int)InRange("--threads", arguments.GetValue(Threads) ?? config.Data.NumThreadReader, 1, 1024);
        return new PackRequest(arguments.GetRequiredValue(Out).FullName, PackEncodings.Parse(arguments.GetValue(Encoding)!, "--encoding"), arguments.GetValue(Videos), captions,
            (long)(megabytes * 1e6), fit, arguments.GetValue(Seed), threads);
    }

    static double InRange(string option, double value, double least, double most) => value >= least && value <= most ? value
        : throw new UserError(option, FormattableString.Invariant($"{value}"), FormattableString.Invariant($"{least} to {most}"), "", ExitCodes.Usage);

    static void Announce(PackRequest request, PackEstimate estimate) => Console.Error.WriteLine(FormattableString.Invariant(
        $"{request.Folder}: {estimate.Videos:N0} videos as {PackEncodings.NameOf(request.Encoding)}, about {estimate.Bytes / 1e9:F2} GB ({estimate.BytesPerVideo / 1e6:F2} MB a video), ")
        + FormattableString.Invariant($"about {(int)estimate.Time.TotalHours}:{estimate.Time:mm\\:ss} with {request.Threads} threads"));

    static void Print(string folder, PackManifest manifest, TimeSpan took)
    {
        foreach (var skipped in manifest.Skipped.Take(ExamplesShown)) Console.WriteLine($"left out: {skipped.Path}: {skipped.Reason}");
        if (manifest.Skipped.Length > ExamplesShown) Console.WriteLine($"  … and {manifest.Skipped.Length - ExamplesShown} more (manifest.json has them)");
        Console.WriteLine(FormattableString.Invariant($"{folder}: {manifest.Videos:N0} videos, {manifest.Captions:N0} captions as {manifest.Encoding} in {manifest.Shards.Length} shards, {manifest.Bytes / 1e6:F1} MB ")
            + FormattableString.Invariant($"({manifest.Bytes / 1e6 / manifest.Videos:F3} MB a video), verified; {manifest.Skipped.Length} left out; {took.TotalSeconds:F1} s"));
    }
}
