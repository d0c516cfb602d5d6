using Mcn.Web.Trainer.Evaluation;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Step localisation: the ordered assignment, its recall, and what the network sees of each second.</summary>
static class StepParity
{
    public static void Alignment(GoldenFolder golden, ParityReport report)
    {
        var arrays = golden.Arrays("alignment.npz");
        foreach (var expected in golden.Json("alignment.json").EnumerateArray())
        {
            var number = expected.GetProperty("case").GetInt32();
            var steps = expected.GetProperty("K").GetInt32();
            var scores = arrays.Singles($"case{number}_scores");
            bool[] Golden(string name) => [.. arrays.Singles($"case{number}_{name}").Select(value => value > 0)];
            var aligned = StepLocalisation.Align(scores, steps, emptyWhenTight: true);
            report.Same($"alignment.case{number}.dp_exactly_one", aligned, Golden("dp_exactly_one"));
            report.Same($"alignment.case{number}.dp_not_exactly_one", StepLocalisation.Align(scores, steps, exactlyOne: false, emptyWhenTight: true), Golden("dp_not_exactly_one"));
            report.Same($"alignment.case{number}.argmax", StepLocalisation.BestStepOfEachSecond(scores, steps), Golden("argmax"));
            var hits = StepLocalisation.Count(aligned, Golden("gt"), steps);
            report.Same($"alignment.case{number}.gt_steps_present", [hits.Present], [expected.GetProperty("gt_steps_present").GetInt32()]);
            report.Value($"alignment.case{number}.recall_original", hits.Hits / (double)Math.Max(1, hits.Present), expected.GetProperty("recall_original").GetDouble(), 1e-12);
        }
    }

    public static void Windows(GoldenFolder golden, ParityReport report)
    {
        foreach (var video in golden.Json("crosstask_audio_windows.json").EnumerateArray())
        {
            var seconds = video.GetProperty("T").GetInt32();
            IEnumerable<int> Golden(string key) => video.GetProperty(key).EnumerateArray().Select(value => (int)value.GetDouble());
            var windows = Enumerable.Range(0, seconds).Select(second => StepFeatures.Window(second, seconds)).ToArray();
            report.Same($"crosstask_audio_windows.T{seconds}.starts", windows.Select(window => window.Start), Golden("starts"));
            report.Same($"crosstask_audio_windows.T{seconds}.ends", windows.Select(window => window.End), Golden("ends"));
            // A spectrogram has a frame every 10 ms and one more.
            report.Same($"crosstask_audio_windows.T{seconds}.nframes", windows.Select(window => StepFeatures.Frames(window, (seconds * 100) + 1).Count), Golden("nframes"));
        }
    }

    public static void Pooling(GoldenFolder golden, ParityReport report)
    {
        var arrays = golden.Arrays("crosstask_video_pool.npz");
        var (features2d, features3d, expected) = (arrays.Host("feat_2d"), arrays.Host("feat_3d"), arrays.Host("pooled"));
        var seconds = (int)arrays.Host("T").As<long>()[0];
        var stride = (int)expected.Shape[1];
        var pooled = new float[seconds * stride];
        StepFeatures.Pool(features2d, seconds, pooled, stride, 0);
        StepFeatures.Pool(features3d, seconds, pooled, stride, (int)features2d.Shape[1]);
        report.Near("crosstask_video_pool.pooled", pooled, expected.ToSingles(), 1e-6);
    }
}
