using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Mcn.Web.Bench;

/// <summary>
/// Trains one configuration with several seeds, each in a process of its own (so that peak memory is that of one run), and prints
/// retrieval, wall time, step time and peak memory as a table.
/// </summary>
static class TrainingQuality
{
    static readonly string[] Directions = ["t2va", "t2v", "t2a"];

    public static int Run(string name, string config, string[] arguments)
    {
        var seeds = "1,2,3";
        var json = false;
        var overrides = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--json") json = true;
            else if (arguments[i] == "--seeds" && i + 1 < arguments.Length) seeds = arguments[++i];
            else if (arguments[i] == "--set" && i + 1 < arguments.Length) overrides.AddRange(["--set", arguments[++i]]);
            else
            {
                Console.Error.WriteLine($"bench {name}: found '{arguments[i]}'; expected --seeds 1,2,3, --set key=value or --json");
                return 2;
            }
        }

        var data = Directory.CreateTempSubdirectory("mcn-bench-");
        try
        {
            var runs = new List<SeedRun>();
            foreach (var seed in seeds.Split(','))
            {
                Console.Error.WriteLine($"training {name} with seed {seed} …");
                if (Train(config, seed, overrides, data.FullName) is not { } run) return 1;
                runs.Add(run);
            }

            if (json) PrintJson(name, runs);
            else PrintTable(runs);
            return 0;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    static SeedRun? Train(string config, string seed, List<string> overrides, string data)
    {
        string[] command = ["train", "--config", config, "--json", "--new", "--data", data, "--set", $"seed={seed}", .. overrides];
        using var process = Process.Start(new ProcessStartInfo("./mcn", command) { RedirectStandardOutput = true })!;
        var run = new SeedRun(seed);
        while (process.StandardOutput.ReadLine() is { } line) run.Add(JsonNode.Parse(line)!.AsObject());
        process.WaitForExit();
        return process.ExitCode == 0 ? run : null;
    }

    static void PrintTable(List<SeedRun> runs)
    {
        Console.WriteLine($"Machine: {Machine.Describe()}");
        Console.WriteLine();
        Console.WriteLine("| set | pair | " + string.Join(" | ", runs.Select(run => $"seed {run.Seed}")) + " | mean | sd |");
        Console.WriteLine("|---|---|" + string.Concat(Enumerable.Repeat("---|", runs.Count + 2)));
        foreach (var file in runs[0].Files)
        {
            foreach (var direction in Directions)
            {
                var rows = runs.Select(run => run.Last(file, direction)).ToArray();
                var columns = Enumerable.Range(0, 4).Select(k => rows.Select(row => row[k]).ToArray()).ToArray();
                Console.WriteLine($"| {file} | {direction} | " + string.Join(" | ", rows.Select(Figures))
                    + $" | {Figures([.. columns.Select(values => values.Average())])} | {Figures([.. columns.Select(Deviation)])} |");
            }
        }

        Console.WriteLine();
        Console.WriteLine("R@1 / R@5 / R@10 / MedR; pairs: t text, v video, a audio, va their sum.");
        Console.WriteLine();
        Console.WriteLine("| seed | steps | loss, mean of the last reports within 50 steps | wall time s | median step ms | peak memory MB |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var run in runs)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"| {run.Seed} | {run.Steps} | {run.LastLoss:F2} | {run.WallSeconds:F0} | {run.MedianStepSeconds * 1000:F1} | {run.PeakMemoryBytes / 1e6:F0} |"));
        }
    }

    static void PrintJson(string name, List<SeedRun> runs)
    {
        var rows = new JsonArray([.. runs.Select(run => (JsonNode)new JsonObject
        {
            ["seed"] = run.Seed,
            ["steps"] = run.Steps,
            ["loss"] = run.LastLoss,
            ["wall_seconds"] = run.WallSeconds,
            ["median_step_seconds"] = run.MedianStepSeconds,
            ["peak_memory_bytes"] = run.PeakMemoryBytes,
            ["evaluation"] = new JsonObject(run.Files.SelectMany(file => Directions.Select(direction => KeyValuePair.Create(
                $"{file} {direction}", (JsonNode?)new JsonArray([.. run.Last(file, direction).Select(value => (JsonNode)value)]))))),
        })]);
        Console.WriteLine(new JsonObject { ["bench"] = name, ["machine"] = Machine.Describe(), ["rows"] = rows, ["ratios"] = new JsonObject() }.ToJsonString());
    }

    static string Figures(double[] row) => string.Create(CultureInfo.InvariantCulture, $"{row[0]:F3} / {row[1]:F3} / {row[2]:F3} / {row[3]:F1}");

    static double Deviation(double[] values)
    {
        var mean = values.Average();
        return values.Length < 2 ? 0 : Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1));
    }

    /// <summary>What one training said.</summary>
    sealed class SeedRun(string seed)
    {
        readonly List<JsonObject> evaluations = [];
        readonly List<(long Step, double Loss)> losses = [];
        JsonObject? end;

        public string Seed => seed;

        public long Steps => (long)end!["step"]!;

        public double WallSeconds => (double)end!["duration_seconds"]!;

        public double MedianStepSeconds => (double)end!["median_step_seconds"]!;

        public long PeakMemoryBytes => (long)end!["peak_memory_bytes"]!;

        public double LastLoss => losses.Where(report => report.Step > Steps - 50).Average(report => report.Loss);

        public IReadOnlyList<string> Files => [.. evaluations.Select(table => (string)table["file"]!).Distinct()];

        public void Add(JsonObject line)
        {
            if (line["train.loss"] is { } loss) losses.Add(((long)line["step"]!, (double)loss));
            else if ((string?)line["event"] == "evaluation") evaluations.Add(line);
            else if ((string?)line["event"] == "finished") end = line;
            else if ((string?)line["event"] == "alert") Console.Error.WriteLine((string)line["text"]!);
        }

        /// <summary>R@1, R@5, R@10, MedR of the last evaluation.</summary>
        public double[] Last(string file, string direction)
        {
            var table = evaluations.Last(evaluation => (string)evaluation["file"]! == file);
            var row = table["rows"]!.AsArray().Single(candidate => (string)candidate!["direction"]! == direction)!;
            return [(double)row["r1"]!, (double)row["r5"]!, (double)row["r10"]!, (double)row["medr"]!];
        }
    }
}
