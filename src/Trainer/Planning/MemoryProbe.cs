using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <param name="SmallClips">Of a BatchNorm group, in the first run.</param>
/// <param name="SmallBytes">Largest resident memory of the first run.</param>
/// <param name="LargeClips">The same of the second, larger one.</param>
/// <param name="PredictedBytes">The formula at the configuration's own size, put right by what both runs took.</param>
public sealed record ProbeResult(long SmallClips, long SmallBytes, long LargeClips, long LargeBytes, long PredictedBytes);

/// <summary>
/// Measures instead of computing: two steps, after one that warms up, at a quarter and at half of a micro-batch, each in a process of its own that
/// writes to a temporary folder; the line through both tells how the formula is to be read on this machine. A step of one BatchNorm group is made
/// smaller; of one of many groups the groups are. CPU only: there the process's memory is the device's.
/// </summary>
public static class MemoryProbe
{
    const int Steps = 3;

    /// <summary>
    /// What both runs say of the formula's growth counts as far as this, and as the inverse: what the C library keeps of freed memory goes up and
    /// down between two sizes, and a line through that may even fall.
    /// </summary>
    const double MostSlope = 1.5;

    /// <param name="file">The configuration.</param>
    /// <param name="overrides">As for --set.</param>
    /// <exception cref="UserError">The device is not the CPU, the batch is too small, or a probe fails.</exception>
    public static ProbeResult Run(string file, IReadOnlyList<string> overrides, RunConfig config)
    {
        if (config.Devices[0] != MemoryPlan.Host) throw new UserError("--probe", config.Devices[0], "cpu", "A GPU's memory cannot be probed by this version; leave --probe out", ExitCodes.Usage);
        var ((small, smallSet), (large, largeSet)) = (Part(config, 4), Part(config, 2));
        var (smallBytes, largeBytes) = (Measure(file, [.. overrides, .. smallSet]), Measure(file, [.. overrides, .. largeSet]));
        double Formula(RunConfig of) => MemoryPlan.Of(of, snapshots: 1).Needs[0].TotalBytes;
        var slope = Math.Clamp((largeBytes - smallBytes) / (Formula(large) - Formula(small)), 1 / MostSlope, MostSlope);
        return new ProbeResult(DeviceShare.Of(small).GroupSize, smallBytes, DeviceShare.Of(large).GroupSize, largeBytes, (long)(largeBytes + (slope * (Formula(config) - Formula(large)))));
    }

    /// <summary>The configuration with a part of its micro-batch, and the keys that make it so.</summary>
    static (RunConfig Config, string[] Set) Part(RunConfig config, int divisor)
    {
        if (config.BatchnormGroups > 1)
        {
            var group = config.ClipsPerStep / config.BatchnormGroups / divisor;
            if (group < 2 || config.ClipsPerStep % group > 0) throw TooSmall($"BatchNorm groups of {config.Model.BatchnormGroup}", "groups that can be halved twice");
            return (config with { Model = config.Model with { BatchnormGroup = group }, Optimizer = config.Optimizer with { MicroBatch = config.Optimizer.MicroBatch / divisor } },
                [Key("batchnorm_group", group), Key("micro_batch", config.Optimizer.MicroBatch / divisor)]);
        }

        var videos = config.Data.BatchSize / divisor;
        if (videos * config.Data.NPair < Math.Max(2, config.Objective.Kmeans ? config.Objective.ClusterSize : 2))
            throw TooSmall($"batch_size {config.Data.BatchSize}", "at least four times what one fit of k-means needs");
        return (config with { Data = config.Data with { BatchSize = videos }, Optimizer = config.Optimizer with { MicroBatch = 0 } }, [Key("batch_size", videos), Key("micro_batch", 0)]);
    }

    static string Key(string name, int value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");

    static UserError TooSmall(string found, string expected) => new("--probe", found, expected, "So small a batch needs no probe: train it", ExitCodes.Usage);

    static long Measure(string file, IReadOnlyList<string> overrides)
    {
        var folder = Directory.CreateTempSubdirectory("mcn-probe-");
        try
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            string[] arguments =
            [
                typeof(MemoryProbe).Assembly.Location, "train", "--config", file, "--steps", Steps.ToString(CultureInfo.InvariantCulture), "--json", "--data", folder.FullName,
                .. overrides.SelectMany(one => new[] { "--set", one }),
                "--set", "evaluation.eval_files=[]",
            ];
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            process.WaitForExit();
            var peak = lines.Select(line => JsonNode.Parse(line)?["peak_memory_bytes"]).LastOrDefault(value => value is not null);
            return process.ExitCode == ExitCodes.Done && peak is not null ? peak.GetValue<long>() : throw new UserError("--probe", $"a run with {string.Join(' ', overrides)} ended with {process.ExitCode}", "two steps", "Its messages stand above; mend that first", process.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
