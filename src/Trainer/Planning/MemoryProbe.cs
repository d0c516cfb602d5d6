using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// Measures instead of computing: two steps, after one that warms up, at a quarter and at half of a micro-batch, each in a process of its own that
/// writes to a temporary folder; the line through both tells how the formula is to be read on this machine. A step of one BatchNorm group is made
/// smaller; of one of many groups the groups are. On the CPU the process's resident memory is measured, on GPUs each board's
/// (<see cref="BoardPeak"/>).
/// </summary>
public static class MemoryProbe
{
    const int Steps = 3;

    static readonly TimeSpan BetweenReadings = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest that the driver is given to take a board's memory back from a process that is gone.</summary>
    static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    /// <param name="file">The configuration.</param>
    /// <param name="overrides">As for --set.</param>
    /// <param name="boards">Reads the memory of the boards that the devices are; null: the devices are the CPU.</param>
    /// <exception cref="UserError">The batch is too small, a run fails, or what it took cannot be told.</exception>
    public static ProbeResult Run(string file, IReadOnlyList<string> overrides, RunConfig config, Func<IReadOnlyList<BoardReading>>? boards)
    {
        var ((small, smallSet), (large, largeSet)) = (Part(config, 4), Part(config, 2));
        var (smallPeak, largePeak) = (Measure(file, [.. overrides, .. smallSet], boards), Measure(file, [.. overrides, .. largeSet], boards));
        var line = ProbeLine.Through(smallPeak.Bytes, Formula(small), largePeak.Bytes, Formula(large));
        return new ProbeResult(DeviceShare.Of(small).GroupSize, smallPeak, DeviceShare.Of(large).GroupSize, largePeak, line.At(Formula(config)));
    }

    /// <summary>Of the fullest device, with the one snapshot that so short a run makes.</summary>
    static long Formula(RunConfig config) => MemoryPlan.Of(config, snapshots: 1).Needs.Where(need => need.Replicas > 0).Max(need => need.TotalBytes);

    /// <summary>The configuration with a part of its micro-batch, and the keys that make it so.</summary>
    internal static (RunConfig Config, string[] Set) Part(RunConfig config, int divisor)
    {
        if (config.BatchnormGroups > 1)
        {
            var group = config.ClipsPerStep / config.BatchnormGroups / divisor;
            if (group < 2 || config.ClipsPerStep % group > 0) throw TooSmall($"BatchNorm groups of {config.Model.BatchnormGroup}", "groups that can be halved twice");
            // Of what one device holds, not of micro_batch: that may be more than its share.
            var held = (int)DeviceShare.Of(config).HeldClips / divisor;
            return (config with { Model = config.Model with { BatchnormGroup = group }, Optimizer = config.Optimizer with { MicroBatch = held } },
                [Key("batchnorm_group", group), Key("micro_batch", held)]);
        }

        var videos = config.Data.BatchSize / divisor;
        if (videos * config.Data.NPair < Math.Max(2, config.Objective.Kmeans ? config.Objective.ClusterSize : 2))
            throw TooSmall($"batch_size {config.Data.BatchSize}", "at least four times what one fit of k-means needs");
        return (config with { Data = config.Data with { BatchSize = videos }, Optimizer = config.Optimizer with { MicroBatch = 0 } }, [Key("batch_size", videos), Key("micro_batch", 0)]);
    }

    static string Key(string name, int value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");

    static UserError TooSmall(string found, string expected) => new("--probe", found, expected, "So small a batch needs no probe: train it", ExitCodes.Usage);

    internal static ProbePeak Measure(string file, IReadOnlyList<string> overrides, Func<IReadOnlyList<BoardReading>>? boards)
    {
        var folder = Directory.CreateTempSubdirectory("mcn-probe-");
        try
        {
            var before = boards?.Invoke();
            using var process = Process.Start(TrainCommand(file, overrides, folder.FullName))!;
            try
            {
                var output = new ConcurrentQueue<string>();
                process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
                process.BeginOutputReadLine();
                var peak = before is null ? null : Watch(process, before, boards!);
                process.WaitForExit(); // and for its last line
                var resident = Resident(process.ExitCode, output, overrides);
                return peak?.Fullest(process.Id, Settled(peak, boards!)) ?? new ProbePeak(resident, MemoryPlan.Host, PeakSource.Resident);
            }
            finally
            {
                if (!process.HasExited) End(process); // a board that cannot be read any more ends the probe
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>This very program, started as it was: by `dotnet`, or by its own file.</summary>
    static ProcessStartInfo TrainCommand(string file, IReadOnlyList<string> overrides, string folder) => new(Environment.ProcessPath!,
    [
        .. Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? new[] { typeof(MemoryProbe).Assembly.Location } : [], "train", "--config", file, "--steps", Steps.ToString(CultureInfo.InvariantCulture), "--json", "--data", folder,
        .. overrides.SelectMany(one => new[] { "--set", one }),
        "--set", "evaluation.eval_files=[]",
    ]) { RedirectStandardOutput = true };

    static void End(Process process)
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }

    /// <summary>Reads the boards until the process is gone.</summary>
    internal static BoardPeak Watch(Process process, IReadOnlyList<BoardReading> before, Func<IReadOnlyList<BoardReading>> boards)
    {
        var peak = new BoardPeak(before);
        do peak.See(boards());
        while (!process.WaitForExit(BetweenReadings));
        return peak;
    }

    /// <summary>The boards when what the process held has been taken back, or as they are if that takes too long.</summary>
    static IReadOnlyList<BoardReading> Settled(BoardPeak peak, Func<IReadOnlyList<BoardReading>> boards)
    {
        IReadOnlyList<BoardReading> now = [];
        SpinWait.SpinUntil(() => peak.IsAsBefore(now = boards()), LongestFarewell);
        return now;
    }

    /// <summary>What the run itself says at its end.</summary>
    internal static long Resident(int exitCode, IEnumerable<string> output, IReadOnlyList<string> overrides)
    {
        var run = $"the run with {string.Join(' ', overrides)}";
        if (exitCode != ExitCodes.Done) throw new UserError("--probe", $"{run} ended with exit code {exitCode}", $"{Steps} steps", "Its messages stand above; mend that first", exitCode);
        var lines = output.Where(line => line.Length > 0).Select(line => JsonNode.Parse(line)!).ToArray();
        return lines.Any(line => (string?)line["code"] == "micro_batch_halved")
            ? throw new UserError("--probe", $"{run} ran short of memory and went on with fewer graphs", "a run that fits", "Free memory, or plan without --probe")
            : lines.Last(line => line["peak_memory_bytes"] is not null)["peak_memory_bytes"]!.GetValue<long>();
    }
}
