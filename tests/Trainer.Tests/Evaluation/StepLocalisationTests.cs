using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data;

namespace Mcn.Web.Trainer.Tests.Evaluation;

public sealed class StepLocalisationTests
{
    [Fact]
    public void Golden_assignments_and_recalls_equal_the_compiled_CrossTask_routine()
    {
        var arrays = Npz.ReadAll(SharedFile.Path("golden/alignment.npz"));
        using var cases = System.Text.Json.JsonDocument.Parse(File.ReadAllText(SharedFile.Path("golden/alignment.json")));
        foreach (var expected in cases.RootElement.EnumerateArray())
        {
            var name = $"case{expected.GetProperty("case").GetInt32()}_";
            var steps = expected.GetProperty("K").GetInt32();
            var scores = arrays[name + "scores"].ToSingles();
            bool[] Golden(string array) => [.. arrays[name + array].ToSingles().Select(value => value > 0)];

            var aligned = StepLocalisation.Align(scores, steps, emptyWhenTight: true);
            Assert.Equal(Golden("dp_exactly_one"), aligned);
            Assert.Equal(Golden("dp_not_exactly_one"), StepLocalisation.Align(scores, steps, exactlyOne: false, emptyWhenTight: true));
            Assert.Equal(Golden("argmax"), StepLocalisation.BestStepOfEachSecond(scores, steps));
            var hits = StepLocalisation.Count(aligned, Golden("gt"), steps);
            Assert.Equal(expected.GetProperty("gt_steps_present").GetInt32(), hits.Present);
            Assert.Equal(expected.GetProperty("recall_original").GetDouble(), hits.Hits / (double)Math.Max(1, hits.Present), 1e-12);
        }
    }

    [Fact]
    public void Steps_keep_their_order_even_where_the_reverse_scores_higher()
    {
        float[] scores = [0, 9, 1, 0, 0, 1, 9, 0]; // 4 seconds, 2 steps
        Assert.Equal([false, false, true, false, false, true, false, false], StepLocalisation.Align(scores, 2));
    }

    [Fact]
    public void Every_step_takes_a_second_even_if_it_costs_and_too_few_seconds_are_refused()
    {
        Assert.Equal([true, false, false, true], StepLocalisation.Align([-1, -1, -1, -1], 2));
        Assert.Throws<ArgumentException>(() => StepLocalisation.Align([1, 2], 2));
    }

    [Fact]
    public void As_many_seconds_as_steps_are_all_taken_and_only_the_original_loses_them()
    {
        float[] tight = [1, 0, 0, -1];
        Assert.Equal([true, false, false, true], StepLocalisation.Align(tight, 2));
        Assert.DoesNotContain(true, StepLocalisation.Align(tight, 2, emptyWhenTight: true));
        Assert.Equal([true, false, false, true], StepLocalisation.Align([1, 0, 0, 1], 2, emptyWhenTight: true));
    }

    [Fact]
    public void A_step_that_may_last_takes_every_second_that_pays()
    {
        Assert.Equal([false, true, true, false], StepLocalisation.Align([-1, 1, 1, -1], 1, exactlyOne: false));
        Assert.Single(StepLocalisation.Align([-1, 1, 1, -1], 1), chosen => chosen);
    }

    [Fact]
    public void Recall_as_coded_averages_videos_and_the_official_one_pools_counts()
    {
        var recall = StepRecall.Of([("a", new StepHits(1, 1)), ("a", new StepHits(0, 3)), ("b", new StepHits(1, 2)), ("b", new StepHits(0, 0))]);
        Assert.Equal((0.5 + 0.5) / 2, recall.AsCoded, 1e-12);
        Assert.Equal((0.25 + 0.5) / 2, recall.Official, 1e-12);
        Assert.Equal((3, 1), (recall.Videos, recall.WithoutSteps));
    }

    [Fact]
    public void Full_segmentation_cuts_where_the_scores_change_and_measures_the_overlap()
    {
        float[] scores = [2, 0, 2, 0, 0, 2, 0, 2, 0, 2]; // 5 seconds, 2 steps
        var path = FullSegmentation.Decode(scores, 2);
        Assert.Equal([0, 0, 1, 1, 1], path);
        bool[] truth = [true, false, false, false, false, true, false, true, false, false];
        var (iod, iou) = FullSegmentation.Overlap(path, truth, 2);
        Assert.Equal((0.5 + (2 / 3.0)) / 2, iod, 1e-12);
        Assert.Equal((0.5 + (2 / 3.0)) / 2, iou, 1e-12);
        Assert.Equal([-1, 0, -1, 1, 1], FullSegmentation.Decode([0, 0, 5, 0, 0, 0, 0, 5, 0, 5], 2, background: 1));
        Assert.Equal([0, 1], FullSegmentation.Decode([0, 9, 9, 0], 2)); // in order, whatever it costs
    }

    [Fact]
    public void Log_softmax_sums_to_one_and_survives_large_scores()
    {
        var result = FullSegmentation.LogSoftmax([1000, 1000, 0, (float)Math.Log(3)], 2);
        Assert.Equal([Math.Log(0.5), Math.Log(0.5), Math.Log(0.25), Math.Log(0.75)], result.Select(value => (double)value), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void Golden_audio_windows_and_frame_counts_equal_the_originals()
    {
        using var videos = System.Text.Json.JsonDocument.Parse(File.ReadAllText(SharedFile.Path("golden/crosstask_audio_windows.json")));
        foreach (var video in videos.RootElement.EnumerateArray())
        {
            var seconds = video.GetProperty("T").GetInt32();
            int[] Golden(string key) => [.. video.GetProperty(key).EnumerateArray().Select(value => (int)value.GetDouble())];
            var windows = Enumerable.Range(0, seconds).Select(second => StepFeatures.Window(second, seconds)).ToArray();
            Assert.Equal(Golden("starts"), windows.Select(window => window.Start));
            Assert.Equal(Golden("ends"), windows.Select(window => window.End));
            Assert.Equal(Golden("nframes"), windows.Select(window => StepFeatures.Frames(window, (seconds * 100) + 1).Count));
        }
    }

    [Fact]
    public void Golden_adaptive_pooling_equals_the_originals()
    {
        var arrays = Npz.ReadAll(SharedFile.Path("golden/crosstask_video_pool.npz"));
        var seconds = (int)arrays["T"].As<long>()[0];
        var golden = arrays["pooled"];
        var (stride, width2d) = ((int)golden.Shape[1], (int)arrays["feat_2d"].Shape[1]);
        var pooled = new float[seconds * stride];
        StepFeatures.Pool(arrays["feat_2d"], seconds, pooled, stride, 0);
        StepFeatures.Pool(arrays["feat_3d"], seconds, pooled, stride, width2d);
        Assert.Equal(golden.ToSingles(), pooled, (a, b) => Math.Abs(a - b) <= 1e-6f);
    }
}
