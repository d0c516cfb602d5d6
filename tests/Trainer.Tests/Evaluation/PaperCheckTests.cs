using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data;

namespace Mcn.Web.Trainer.Tests.Evaluation;

/// <summary>A set of 3,350 made-up clips as the paper's evaluation would have them, and one fault at a time.</summary>
public sealed class PaperCheckTests
{
    static readonly ModelConfig Published = new()
    {
        EmbdDim = 6144, FeatureDim = 9, WeDim = 300, MelBands = 3, LayerWidths = [128, 128, 256, 512, 1024], Recon = true, ReconSize = 1024,
    };

    static readonly EvaluationSettings Settings = EvaluationSettings.Of(TestRun.Golden(GoldenFolders.Reduced)) is var settings
        ? settings with { MaxWords = 20, Evaluation = settings.Evaluation with { NumFramesMultiplier = 5 }, Model = Published with { FeatureDim = 4096, MelBands = 40 } } : null!;

    [Fact]
    public void The_papers_figures_on_the_papers_set_are_confirmed()
    {
        var findings = Examine(Settings, Clips(3350));
        Assert.DoesNotContain(findings, finding => !finding.Agrees);
        Assert.True(PaperCheck.Confirms(findings));
    }

    [Theory]
    [InlineData("clips")]
    [InlineData("weights")]
    [InlineData("audio_frames")]
    [InlineData("max_words")]
    [InlineData("features_2d")]
    [InlineData("audio_length")]
    [InlineData("audio_values")]
    [InlineData("words")]
    [InlineData("audio_branch")]
    [InlineData("r1")]
    public void Whatever_differs_is_named_and_nothing_else(string fault)
    {
        var settings = fault switch
        {
            "weights" => Settings with { Model = Settings.Model with { EmbdDim = 2048 } },
            "audio_frames" => Settings with { Evaluation = Settings.Evaluation with { NumFramesMultiplier = 3 } },
            "max_words" => Settings with { MaxWords = 30 },
            _ => Settings,
        };
        var clips = Clips(fault == "clips" ? 3305 : 3350,
            scale: fault == "features_2d" ? 0.01 : 1,
            frames: fault == "audio_length" ? 8 : 400,
            loudest: fault == "audio_values" ? 60 : 0,
            caption: fault == "words" ? "salz und pfeffer" : "salt and pepper");
        var findings = Examine(settings, clips, r1: fault == "r1" ? 0.0529 : 0.18, audioRank: fault == "audio_branch" ? 1676 : 300);
        Assert.Equal([fault], findings.Where(finding => !finding.Agrees).Select(finding => finding.Id));
        Assert.Equal(fault is not ("r1" or "clips"), PaperCheck.Confirms(findings));
    }

    static IReadOnlyList<PaperFinding> Examine(EvaluationSettings settings, RetrievalSet set, double r1 = 0.18, double audioRank = 300)
    {
        Dictionary<string, double[]> Around(double a, double b, double c) => new() { ["r1"] = [a - 0.013, a + 0.013], ["r5"] = [b - 0.016, b + 0.016], ["r10"] = [c - 0.017, c + 0.017] };
        RetrievalRow[] rows =
        [
            new("t2va", r1, 0.36, 0.45, 14, 90, Around(r1, 0.36, 0.45)),
            new("t2v", 0.1, 0.2, 0.3, 30, 200, Around(0.1, 0.2, 0.3)),
            new("t2a", 0.05, 0.1, 0.2, 200, audioRank, Around(0.05, 0.1, 0.2)),
        ];
        return PaperCheck.Examine(settings, set, new Vocabulary(["salt", "pepper"], new float[4], 2), rows);
    }

    static RetrievalSet Clips(int count, double scale = 1, int frames = 400, double loudest = 0, string caption = "salt and pepper")
    {
        using var temp = new TempFolder();
        var audio = SmallSet.Array(ArrayType.Float16, [3, frames], i => loudest - (i % 80));
        var (two, three) = (SmallSet.Array(ArrayType.Float32, [5], _ => scale), SmallSet.Array(ArrayType.Float32, [4], _ => 1));
        PickleWriter.Write(temp.File("val.pkl"), Enumerable.Range(0, count).Select(object? (i) => new Dictionary<object, object?>
        {
            ["id"] = $"{i}", ["caption"] = caption, ["2d"] = two, ["3d"] = three, ["audio"] = audio,
        }).ToList());
        return RetrievalSet.Read(temp.File("val.pkl"), Published, PublishedFigures.YouCook2);
    }
}
