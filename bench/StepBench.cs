using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench step`: time of a training step and its phases at several sizes, beside an idiomatic PyTorch program of equal shapes and threads
/// (bench/peers/step.py). Each measurement is a process of its own; ours and the peer's take turns, so that a machine whose speed drifts
/// is unfair to neither; the peer runs in each of its layouts and the fastest one counts.
/// </summary>
static class StepBench
{
    static readonly (string Name, string[] Overrides)[] Sizes =
    [
        ("digits-3m", []),
        ("digits-3m x4 clips", ["batch_size=32"]),
        ("wider", ["layer_widths=[32,32,64,128,256]", "embd_dim=512"]),
    ];

    static readonly string[] PeerLayouts = ["1d", "2d", "channels_last"];

    static readonly string[] Phases = ["step", "forward", "backward", "optimizer"];

    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("step", arguments, new Dictionary<string, string?>
        {
            ["config"] = "deploy/config/digits-3m.json", ["steps"] = "20", ["threads"] = "1", ["rounds"] = "3", ["peer"] = null, ["replicas"] = null, ["devices"] = null, ["precision"] = null,
        });
        options.RequirePeer();
        var report = new BenchReport("step");
        if (options.Text("replicas") is not null)
        {
            MeasureReplicas(report, options);
            report.Print(options.Json);
            return ExitCodes.Done;
        }

        foreach (var (name, overrides) in Sizes) Measure(report, name, overrides, options);
        report.Note("Median of all steps of all rounds; ten steps of each process warm up first. The peer's layout is the fastest of its three.");
        report.Print(options.Json);
        return ExitCodes.Done;
    }

    static void Measure(BenchReport report, string name, string[] overrides, BenchArguments options)
    {
        var file = Path.GetFullPath(Path.Combine(".mcn", "bench", "step.json"));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var config = options.Configuration([.. overrides, "read_ahead_bytes=1073741824"]);
        RunConfigFile.Write(file, config);
        var (steps, threads) = (Text(options.Whole("steps")), Text(options.Whole("threads")));
        List<Measured> ours = [];
        var peer = PeerLayouts.Select(_ => new List<Measured>()).ToArray();
        for (var round = 0; round < options.Whole("rounds"); round++)
        {
            ours.Add(MeasuredProcess.RunChild(StepChild.Name, file, steps, threads));
            if (options.Text("peer") is null) continue;
            for (var i = 0; i < peer.Length; i++) peer[i].Add(MeasuredProcess.RunPeer("step.py", file, steps, threads, PeerLayouts[i]));
        }

        Row(report, name, "Mcn.Web", ours, config);
        if (peer[0].Count == 0) return;
        var best = peer.MinBy(rounds => Median(rounds, "step"))!;
        Row(report, name, $"PyTorch ({PeerLayouts[Array.IndexOf(peer, best)]})", best, config);
        report.Ratio($"{name}: step, ours / PyTorch", Median(ours, "step") / Median(best, "step"), "<= 0.9");
    }

    /// <summary>
    /// The same groups of the same step on 1, 2, 4 … replicas, on the CPU each with the threads given, or on the first of the devices given;
    /// they take turns.
    /// </summary>
    static void MeasureReplicas(BenchReport report, BenchArguments options)
    {
        var counts = options.List("replicas");
        var folder = Path.GetFullPath(Path.Combine(".mcn", "bench"));
        Directory.CreateDirectory(folder);
        var (size, overrides) = Sizes[1];
        var config = RunConfigFile.Read(options.Text("config")!, overrides);
        var clips = config.ClipsPerStep;
        var devices = options.Text("devices")?.Split(',') ?? [.. Enumerable.Repeat("cpu", counts.Max())];
        if (devices.Length < counts.Max()) throw new UserError("--devices", string.Join(',', devices), $"{counts.Max()} devices for --replicas", "", ExitCodes.Usage);
        var group = clips / counts.Max();
        var rounds = counts.ToDictionary(count => count, _ => new List<Measured>());
        for (var round = 0; round < options.Whole("rounds"); round++)
        {
            foreach (var count in counts)
            {
                var file = Path.Combine(folder, $"step-{count}.json");
                RunConfigFile.Write(file, options.Configuration([.. overrides, $"batchnorm_group={group}", $"micro_batch={clips}", "read_ahead_bytes=1073741824"], devices[..count]));
                rounds[count].Add(MeasuredProcess.RunChild(StepChild.Name, file, Text(options.Whole("steps")), Text(options.Whole("threads"))));
            }
        }

        foreach (var count in counts)
        {
            Row(report, $"{size}, {clips / group} BatchNorm groups", count == 1 ? "1 replica" : $"{count} replicas", rounds[count], config, exchange: true);
            if (count != counts[0]) report.Ratio($"{count} replicas: step, to {counts[0]}", Median(rounds[count], "step") / Median(rounds[counts[0]], "step"), $"{(double)counts[0] / count:0.##} with a core for each thread");
            if (count > 1) report.Ratio($"{count} replicas: rank 0's exchange, of its step", Median(rounds[count], "exchange") / Median(rounds[count], "step"), "");
        }

        report.Note("Exchange is part of the other phases: waiting for the slowest rank, summing the own share of the gradients, copying the others' weights. Queue and clusters are rank 0's, while the others wait.");
    }

    static void Row(BenchReport report, string size, string who, List<Measured> rounds, RunConfig config, bool exchange = false)
    {
        var clips = config.ClipsPerStep;
        List<(string, JsonNode?)> cells = [("size", size), ("who", who), ("clips", clips)];
        foreach (var phase in exchange ? [.. Phases, "exchange"] : Phases) cells.Add(($"{phase} ms", Median(rounds, phase) * 1e3));
        cells.Add(("clips/s", clips / Median(rounds, "step")));
        var rate = Operations(config) / Median(rounds, "step") / 1e12;
        cells.Add(("TFLOP/s", rate));
        if (rounds[0].Result["devices"]?.AsArray() is { Count: > 0 } boards)
        {
            double?[] peaks = [.. boards.Select(board => DevicePeak.Of((string)board!["name"]!, config.Precision))];
            cells.Add(("share of peak", peaks.All(peak => peak is not null) ? rate / peaks.Sum() : null));
            cells.Add(("memory of each board MB", string.Join(", ", boards.Select(board => Text((double)board!["used_bytes"]! / 1e6)))));
        }

        cells.Add(("a call µs", rounds.Min(round => (double)round.Result["call"]!) * 1e6));
        cells.Add((".NET allocates KB a step", rounds[0].Result["allocated"] is { } bytes ? (double)bytes / 1e3 : null));
        cells.Add(("peak memory MB", rounds.Max(round => round.PeakPssBytes) / 1e6));
        report.Add("", [.. cells]);
        Console.Error.WriteLine($"{size}, {who}: {Text(Median(rounds, "step") * 1e3)} ms");
    }

    /// <summary>Floating-point operations of a step: two for a multiply-add, three times the forward pass, and 18 N² D for three contrasts.</summary>
    static double Operations(RunConfig config)
    {
        double n = config.ClipsPerStep;
        return (6 * n * new NetworkSize(config.Model).MultiplyAdds(config.Data.HowtoAudioFrames, config.Data.MaxWords)) + (18 * n * n * config.Model.EmbdDim);
    }

    static double Median(List<Measured> rounds, string phase)
    {
        double[] times = [.. rounds.SelectMany(round => round.Result["steps"]!.AsArray()).Select(step => (double)step![phase]!).Order()];
        return times[times.Length / 2];
    }

    static string Text(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
}
