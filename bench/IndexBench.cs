namespace Mcn.Web.Bench;

/// <summary>
/// `bench index`: how long the index of so many videos takes to open and what stays in memory, at two sizes, and what that means for the
/// full 1.2 million videos. The set is generated and deleted again (about 1 GB for 120,000 videos).
/// </summary>
static class IndexBench
{
    const int FullVideos = 1_200_000;

    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("index", arguments, new Dictionary<string, string?> { ["videos"] = "60000,120000" });
        var report = new BenchReport("index");
        var points = new List<(double Videos, double Seconds, double Resident)>();
        foreach (var videos in options.List("videos"))
        {
            var folder = Path.GetFullPath(Path.Combine(".mcn", "bench", $"index-{videos}"));
            try
            {
                Console.Error.WriteLine($"making an index of {videos} videos …");
                var (config, captions) = IndexSet.Make(folder, videos);
                var measured = MeasuredProcess.RunChild(IndexChild.Name, config);
                double Figure(string name) => (double)measured.Result[name]!;
                report.Add("", ("videos", videos), ("captions", captions), ("caption file MB", new FileInfo(Path.Combine(folder, "caption.pickle")).Length / 1e6),
                    ("opens in s", Figure("seconds")), ("CPU s", measured.CpuSeconds), ("resident MB", Figure("resident") / 1e6), ("peak MB", Figure("peak") / 1e6), ("before MB", Figure("resident_before") / 1e6));
                points.Add((videos, Figure("seconds"), Figure("resident")));
            }
            finally
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            }
        }

        if (points.Count > 1)
        {
            var (a, b) = (points[0], points[^1]);
            double At(Func<(double Videos, double Seconds, double Resident), double> of) => of(b) + ((of(b) - of(a)) / (b.Videos - a.Videos) * (FullVideos - b.Videos));
            report.Note(FormattableString.Invariant($"Carried on in a straight line from the two points: {FullVideos:N0} videos open in {At(point => point.Seconds):F0} s and stay in {At(point => point.Resident) / 1e9:F1} GB."));
        }

        report.Note("Target at 120,000 videos and 13.6 M captions: about 20 s, at most 800 MB resident. Page cache warm: the files were written just before.");
        report.Print(options.Json);
        return 0;
    }
}
