using Mcn.Web.Trainer.Data;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench loader`: clips a second, CPU time a clip and memory of our loader for several numbers of readers, from each layout of each set;
/// and the same of a PyTorch DataLoader doing the same work on the same files. Every measurement is a process of its own, watched from
/// outside; the page cache is warm (each file is read once before). A layout is a configuration file, nothing more: a new encoding is
/// a new line of <see cref="Layouts"/>.
/// </summary>
static class LoaderBench
{
    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("loader", arguments, new Dictionary<string, string?>
        {
            ["readers"] = "1,2,4,8,16", ["workers"] = "0,2,4", ["seconds"] = "5", ["videos"] = "96", ["peer"] = null, ["sets"] = "digits-3m,published",
        });
        options.RequirePeer();
        var report = new BenchReport("loader");
        foreach (var set in options.Text("sets")!.Split(','))
        {
            if (Layouts(report, set, options.Whole("videos")) is not { } layouts)
            {
                report.Note($"{set} was skipped: it is not beside the clone.");
                continue;
            }

            var figures = layouts.Select(layout => Measure(report, set, layout, options)).ToList();
            Compare(report, set, figures);
            if (set == "published") Kernels(report, PublishedSet.Make(options.Whole("videos")), options.Whole("seconds"), figures.Single(figure => figure.Layout.Name == "npz deflated"));
        }

        report.Note("Memory is proportional (PSS), summed over the processes of a measurement, its largest value. Page cache warm: every file was read once before.");
        report.Print(options.Json);
        return 0;
    }

    /// <summary>The layouts of a set, or null when it is not on this machine.</summary>
    static List<Layout>? Layouts(BenchReport report, string set, int videos)
    {
        switch (set)
        {
            case "digits-3m":
                if (!Directory.Exists("../shared/data/digits-3m")) return null;
                return [new Layout("npz deflated", "deploy/config/digits-3m.json"), .. Packed("deploy/config/digits-3m.json", ".mcn/bench/digits-3m-shards")]; // npz as the set comes
            case "published":
                var folder = PublishedSet.Make(videos);
                return [new Layout("npz stored", $"{folder}/stored.json"), new Layout("npz deflated", $"{folder}/deflated.json"), .. Packed($"{folder}/stored.json", $"{folder}/shards")];
            default:
                throw new UserError("--sets", $"'{set}'", "digits-3m, published", "", exitCode: 2);
        }

        IEnumerable<Layout> Packed(string original, string packs) =>
            PackedLayouts.Make(report, set, original, packs).Select(layout => new Layout(layout.Name, layout.Config, PeerReads: false));
    }

    static LayoutFigures Measure(BenchReport report, string set, Layout layout, BenchArguments options)
    {
        var config = RunConfigFile.Read(layout.Config, []);
        WarmCache(config);
        var seconds = options.Whole("seconds");
        var ours = new Dictionary<int, LoaderFigures>();
        foreach (var readers in options.List("readers"))
            ours[readers] = Row(report, set, layout, $"Mcn.Web, {readers} readers", MeasuredProcess.RunChild(LoaderChild.Name, layout.Config, Text(readers), Text(seconds)));
        var peer = new Dictionary<int, LoaderFigures>();
        if (options.Text("peer") is null || !layout.PeerReads) return new LayoutFigures(layout, ours, peer);
        var resolved = Path.GetFullPath(Path.Combine(".mcn", "bench", "peer.json"));
        Directory.CreateDirectory(Path.GetDirectoryName(resolved)!);
        RunConfigFile.Write(resolved, config);
        foreach (var workers in options.List("workers"))
            peer[workers] = Row(report, set, layout, $"PyTorch, {workers} workers", MeasuredProcess.RunPeer("loader.py", resolved, Text(workers), Text(seconds)));
        return new LayoutFigures(layout, ours, peer);
    }

    static LoaderFigures Row(BenchReport report, string set, Layout layout, string who, Measured measured)
    {
        var (clips, seconds) = ((double)measured.Result["clips"]!, (double)measured.Result["seconds"]!);
        var figures = new LoaderFigures(clips / seconds, measured.CpuSeconds / clips, measured.PeakPssBytes);
        Console.Error.WriteLine($"{set}, {layout.Name}, {who}: {figures.ClipsPerSecond:F0} clips/s");
        report.Add(set, ("layout", layout.Name), ("who", who), ("clips/s", figures.ClipsPerSecond), ("CPU ms a clip", figures.CpuSecondsPerClip * 1e3),
            ("memory MB", figures.MemoryBytes / 1e6));
        return figures;
    }

    static void Compare(BenchReport report, string set, List<LayoutFigures> all)
    {
        foreach (var (layout, ours, peer) in all)
        {
            if (ours.Count > 1)
            {
                var memory = ours.Values.Select(figures => (double)figures.MemoryBytes).ToArray();
                report.Ratio($"{set}, {layout.Name}: largest / smallest memory over the numbers of readers", memory.Max() / memory.Min(), layout.MemoryTarget);
            }

            if (peer.TryGetValue(2, out var two)) report.Ratio($"{set}, {layout.Name}: ours, best / PyTorch, 2 workers", Best(ours) / two.ClipsPerSecond, layout.PeerTarget);
            if (peer.Count > 0) report.Ratio($"{set}, {layout.Name}: ours, best / PyTorch, best", Best(ours) / Best(peer));
        }

        if (all.FirstOrDefault(figures => figures.Layout.Name == "npz deflated") is not { Peer.Count: > 0 } deflated) return;
        foreach (var (layout, ours, _) in all.Where(figures => !figures.Layout.PeerReads))
            report.Ratio($"{set}, {layout.Name}: ours, best / PyTorch, best, on deflated npz", Best(ours) / Best(deflated.Peer), ">= 20");
    }

    /// <summary>
    /// The steps of decoding, each on one thread, against a plain copy of the bytes that it makes; and the whole of loading deflated files,
    /// with checking, pooling and cutting, against inflating alone: content a second of CPU time.
    /// </summary>
    static void Kernels(BenchReport report, string folder, int seconds, LayoutFigures deflated)
    {
        var result = MeasuredProcess.RunChild(KernelsChild.Name, folder, Text(seconds)).Result;
        var copy = (double)result["copy"]!;
        foreach (var (step, rate) in result.Select(pair => (pair.Key, (double)pair.Value!)))
            report.Add("decoding, one thread", ("step", step), ("MB a CPU second of its output or input, whichever is larger", rate / 1e6), ("of a plain copy", rate / copy));

        var config = RunConfigFile.Read(deflated.Layout.Config, []);
        var stored = new DirectoryInfo(Path.Combine(folder, "stored")).EnumerateFiles("*.npz", SearchOption.AllDirectories).Sum(file => file.Length);
        var contentOfClip = (double)stored / VideoList.Read(config.Data.TrainCsv).Count / config.Data.NPair;
        report.Ratio("published, npz deflated: content a CPU second / inflating alone", contentOfClip / deflated.Ours.Values.Min(figures => figures.CpuSecondsPerClip) / (double)result[KernelsChild.Inflating]!, ">= 0.9");
    }

    static double Best(Dictionary<int, LoaderFigures> figures) => figures.Values.Max(one => one.ClipsPerSecond);

    /// <summary>Reads every file of the layout once, so that no measurement pays for the disk.</summary>
    static void WarmCache(RunConfig config)
    {
        if (config.Data.Shards.Length > 0)
        {
            foreach (var shard in Directory.EnumerateFiles(config.Data.Shards, "*.tar")) File.ReadAllBytes(shard);
            return;
        }

        var videos = VideoList.Read(config.Data.TrainCsv);
        for (var video = 0; video < videos.Count; video++)
            foreach (var file in Directory.EnumerateFiles(Path.Combine(config.Data.FeaturesPath, videos.PathOf(video)))) File.ReadAllBytes(file);
    }

    static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <param name="Config">Configuration file over it.</param>
    /// <param name="PeerReads">Whether the peer can read it: the original's layout.</param>
    sealed record Layout(string Name, string Config, bool PeerReads = true)
    {
        public string PeerTarget => Name == "npz stored" ? ">= 5" : ">= 1.5";

        public string MemoryTarget => PeerReads ? "" : "<= 1.05";
    }

    sealed record LayoutFigures(Layout Layout, Dictionary<int, LoaderFigures> Ours, Dictionary<int, LoaderFigures> Peer);

    /// <param name="CpuSecondsPerClip">User and system time of all threads and processes.</param>
    sealed record LoaderFigures(double ClipsPerSecond, double CpuSecondsPerClip, long MemoryBytes);
}
