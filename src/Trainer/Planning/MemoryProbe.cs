using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <param name="SmallBytes">Largest resident memory with the small batch.</param>
/// <param name="LargeBytes">The same with the larger one.</param>
/// <param name="PredictedBytes">On the line through both, at the configuration's own batch.</param>
public sealed record ProbeResult(long SmallClips, long SmallBytes, long LargeClips, long LargeBytes, long PredictedBytes);

/// <summary>
/// Measures instead of computing: two steps at a quarter and at half of the batch, each in a process of its own that writes to a
/// temporary folder, and the line through the two. CPU only: there the process's memory is the device's.
/// </summary>
public static class MemoryProbe
{
    const int Steps = 2;

    /// <param name="file">The configuration.</param>
    /// <param name="overrides">As for --set.</param>
    /// <exception cref="UserError">The device is not the CPU, the batch is too small, or a probe fails.</exception>
    public static ProbeResult Run(string file, IReadOnlyList<string> overrides, RunConfig config)
    {
        if (config.Devices[0] != "cpu") throw new UserError("--probe", config.Devices[0], "cpu", "A GPU's memory cannot be probed by this version; leave --probe out", ExitCodes.Usage);
        var (large, small) = (config.Data.BatchSize / 2, config.Data.BatchSize / 4);
        if (small * config.Data.NPair < Math.Max(2, config.Objective.Kmeans ? config.Objective.ClusterSize : 2))
            throw new UserError("--probe", $"batch_size {config.Data.BatchSize}", "at least four times what one fit of k-means needs", "So small a batch needs no probe: train it", ExitCodes.Usage);
        var (smallBytes, largeBytes) = (Measure(file, overrides, small), Measure(file, overrides, large));
        var slope = (largeBytes - smallBytes) / (double)(large - small);
        return new ProbeResult((long)small * config.Data.NPair, smallBytes, (long)large * config.Data.NPair, largeBytes, (long)(largeBytes + (slope * (config.Data.BatchSize - large))));
    }

    static long Measure(string file, IReadOnlyList<string> overrides, int videos)
    {
        var folder = Directory.CreateTempSubdirectory("mcn-probe-");
        try
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            string[] arguments =
            [
                typeof(MemoryProbe).Assembly.Location, "train", "--config", file, "--steps", Steps.ToString(CultureInfo.InvariantCulture), "--json", "--data", folder.FullName,
                .. overrides.SelectMany(one => new[] { "--set", one }),
                "--set", $"batch_size={videos}", "--set", "evaluation.eval_files=[]",
            ];
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            process.WaitForExit();
            var peak = lines.Select(line => JsonNode.Parse(line)?["peak_memory_bytes"]).LastOrDefault(value => value is not null);
            return process.ExitCode == ExitCodes.Done && peak is not null ? peak.GetValue<long>() : throw new UserError("--probe", $"a run of {videos} videos ended with {process.ExitCode}", "two steps", "Its messages stand above; mend that first", process.ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
