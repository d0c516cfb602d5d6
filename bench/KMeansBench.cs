using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench kmeans`: time of a Lloyd iteration and memory of a fit at several queue sizes: in parts as training does, in one piece as the
/// original does, and the latter in PyTorch (bench/peers/kmeans.py). Each measurement is a process of its own; they take turns.
/// </summary>
static class KMeansBench
{
    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("kmeans", arguments, new Dictionary<string, string?>
        {
            ["rows"] = "2048,8192", ["width"] = "512", ["clusters"] = "256", ["threads"] = "1", ["rounds"] = "1", ["peer"] = null,
            ["config"] = "deploy/config/digits-3m.json", ["devices"] = null, ["precision"] = null,
        });
        options.RequirePeer();
        var clusters = options.Whole("clusters");
        if (options.List("rows").Min() < clusters * 8)
            throw new UserError("--rows", $"{options.List("rows").Min()} rows for {clusters} clusters", $"at least {clusters * 8}", "The first centroids come from the first of eight pieces", exitCode: 2);
        var config = Path.GetFullPath(Path.Combine(".mcn", "bench", "kmeans.json"));
        Directory.CreateDirectory(Path.GetDirectoryName(config)!);
        RunConfigFile.Write(config, options.Configuration([]));
        var report = new BenchReport("kmeans");
        foreach (var rows in options.List("rows")) Measure(report, rows, options, config);
        report.Note("Fits of random rows during 3 s after 1 s to warm up, their time divided by their iterations; what a fit in one piece does once (joining the rows, and ours normalising them) is part of it. Iterations are those of a fit. Memory is the process's peak, the rows included.");
        report.Print(options.Json);
        return ExitCodes.Done;
    }

    static void Measure(BenchReport report, int rows, BenchArguments options, string config)
    {
        string[] sizes = [.. new[] { rows, options.Whole("width"), options.Whole("clusters"), options.Whole("threads") }.Select(size => size.ToString(CultureInfo.InvariantCulture))];
        List<Measured> parts = [], dense = [], peer = [];
        for (var round = 0; round < options.Whole("rounds"); round++)
        {
            parts.Add(MeasuredProcess.RunChild([KMeansChild.Name, KMeansChild.Parts, .. sizes, config]));
            dense.Add(MeasuredProcess.RunChild([KMeansChild.Name, KMeansChild.Dense, .. sizes, config]));
            if (options.Text("peer") is not null) peer.Add(MeasuredProcess.RunPeer("kmeans.py", [.. sizes, config]));
        }

        Row(report, rows, "Mcn.Web, in parts", parts);
        Row(report, rows, "Mcn.Web, in one piece", dense);
        report.Ratio($"{rows} rows: iteration, parts / one piece", Iteration(parts) / Iteration(dense));
        report.Ratio($"{rows} rows: peak memory, parts / one piece", (double)Peak(parts) / Peak(dense));
        if (peer.Count == 0) return;
        Row(report, rows, "PyTorch, in one piece", peer);
        report.Ratio($"{rows} rows: iteration, ours / PyTorch", Iteration(parts) / Iteration(peer));
    }

    static void Row(BenchReport report, int rows, string who, List<Measured> rounds)
    {
        List<(string, JsonNode?)> cells = [("rows", rows), ("who", who), ("iterations a fit", rounds[0].Result["iterations"]!.DeepClone()),
            ("iteration ms", (JsonNode)(Iteration(rounds) * 1e3)), ("peak memory MB", Peak(rounds) / 1e6)];
        if (Boards.MostMegabytes(rounds[0].Result["devices"]) is { } board) cells.Add(("fullest board MB", board));
        report.Add("", [.. cells]);
    }

    static double Iteration(List<Measured> rounds)
    {
        double[] times = [.. rounds.Select(round => (double)round.Result["iteration"]!).Order()];
        return times[times.Length / 2];
    }

    static long Peak(List<Measured> rounds) => rounds.Max(round => round.PeakPssBytes);
}
