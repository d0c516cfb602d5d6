using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data.Sample;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>
/// Whether training learns: on the sample set, counted in steps, judged by retrieval among 500 held-out clips, where chance is 0.002
/// for R@1 and 0.02 for R@10. docs/results.md, "Sample set", has the measured values behind each bound.
/// </summary>
public sealed class LearningTests : IDisposable
{
    /// <summary>
    /// A reader who knows nothing has 1 hit of 500 on average; more than 6 happen once in 12,000 draws (Poisson). Of the first ten
    /// places he has 10 hits, and more than 24 once in 20,000.
    /// </summary>
    const int MostHitsByChance = 6;
    const int MostHitsByChanceInTen = 24;

    readonly TempFolder folder = new();

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void A_short_run_learns(string precision)
    {
        var rows = Train("paired", seed: 1, epochs: 6, shuffled: false, precision); // 180 steps
        Assert.True(rows["t2va"].R1 >= 0.05, Describe(rows)); // 25 x chance, 4 x what luck reaches
        Assert.True(rows["t2va"].R10 >= 0.30, Describe(rows));
        Assert.True(rows["t2v"].R10 >= 0.15, Describe(rows));
    }

    [Fact]
    public void The_whole_schedule_learns_with_every_seed_and_learns_nothing_from_permuted_captions()
    {
        if (Environment.GetEnvironmentVariable("MCN_FULL") != "1") Assert.Skip("4 runs of 1 to 2 minutes; MCN_FULL=1 runs them");
        foreach (var seed in new[] { 1, 2, 3 })
        {
            var rows = Train("paired", seed, epochs: null, shuffled: false);
            Assert.True(rows["t2va"].R1 >= 0.06, $"seed {seed}: {Describe(rows)}"); // 30 x chance; lowest seen 0.118
            Assert.True(rows["t2va"].R1 > rows["t2a"].R1, $"seed {seed}: {Describe(rows)}");
        }

        var control = Train("control", seed: 1, epochs: null, shuffled: true);
        foreach (var direction in new[] { "t2va", "t2v", "t2a" })
        {
            Assert.True(Math.Round(control[direction].R1 * SamplePlan.HeldOut) <= MostHitsByChance, Describe(control));
            Assert.True(Math.Round(control[direction].R10 * SamplePlan.HeldOut) <= MostHitsByChanceInTen, Describe(control));
        }
    }

    /// <summary>The last evaluation of a run of deploy/config/sample.json.</summary>
    Dictionary<string, RetrievalRow> Train(string set, long seed, int? epochs, bool shuffled, string precision = "fp32")
    {
        SampleDataset.Make(folder.File(set), 1, shuffled, TestContext.Current.CancellationToken);
        string[] length = epochs is { } count ? [$"optimizer.epochs={count}"] : [];
        var config = SampleConfig.Of(folder.File(set), [$"seed={seed}", $"precision={precision}", "evaluation.every_epochs=1000", "checkpoint.every_epochs=1000", .. length]);
        EvaluationFinished? last = null;
        using var session = TrainingSession.Open(config, new RunCatalog(folder.Path, TimeProvider.System).Create(config), TimeProvider.System);
        var reason = session.Run(null, new RunControl(), record => last = record as EvaluationFinished ?? last);
        Assert.Equal("finished", reason);
        Assert.Equal(config.Optimizer.Epochs, last!.Epoch);
        return last.Rows.ToDictionary(row => row.Direction);
    }

    static string Describe(Dictionary<string, RetrievalRow> rows) =>
        string.Join(", ", rows.Values.Select(row => FormattableString.Invariant($"{row.Direction} R@1 {row.R1:F3} R@10 {row.R10:F3}")));

    public void Dispose() => folder.Dispose();
}
