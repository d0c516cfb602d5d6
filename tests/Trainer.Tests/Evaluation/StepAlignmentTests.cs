using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data;

namespace Mcn.Web.Trainer.Tests.Evaluation;

public sealed class StepAlignmentTests
{
    [Fact]
    public void The_compiled_routine_of_CrossTask_is_reproduced_with_its_recall()
    {
        var golden = GoldenSet.Open(GoldenFolders.Full);
        var arrays = Npz.ReadAll(golden.File("alignment.npz"));
        foreach (var expected in golden.Json("alignment.json").EnumerateArray())
        {
            var (number, steps) = (expected.GetProperty("case").GetInt32(), expected.GetProperty("K").GetInt32());
            var scores = arrays[$"case{number}_scores"].ToSingles();
            var once = StepAlignment.Align(scores, steps);
            Assert.Equal(arrays[$"case{number}_dp_exactly_one"].ToSingles(), Matrix(once, steps));
            Assert.Equal(arrays[$"case{number}_dp_not_exactly_one"].ToSingles(), Matrix(StepAlignment.Align(scores, steps, exactlyOnce: false), steps));
            var truth = Array.ConvertAll(arrays[$"case{number}_gt"].ToSingles(), value => value > 0);
            var hits = LocalisationMetrics.Hits("", once, truth, steps);
            Assert.Equal(expected.GetProperty("gt_steps_present").GetInt32(), hits.Present);
            Assert.Equal(expected.GetProperty("recall_original").GetDouble(), hits.Hits / (double)hits.Present, 1e-9);
        }
    }

    [Fact]
    public void Windows_and_pooling_of_a_second_are_the_originals()
    {
        var golden = GoldenSet.Open(GoldenFolders.Full);
        foreach (var video in golden.Json("crosstask_audio_windows.json").EnumerateArray())
        {
            var seconds = video.GetProperty("T").GetInt32();
            for (var second = 0; second < seconds; second++)
            {
                double Of(string name) => video.GetProperty(name)[second].GetDouble();
                Assert.Equal((Of("starts"), Of("ends")), SecondsOfVideo.Window(second, seconds));
                Assert.Equal(Of("nframes"), SecondsOfVideo.Frames(second, seconds, (seconds * 100) + 1).Count);
            }
        }

        var arrays = Npz.ReadAll(golden.File("crosstask_video_pool.npz"));
        var pooled = new float[14 * 11];
        SecondsOfVideo.Pool(arrays["feat_2d"], 14, pooled, 11, 0);
        SecondsOfVideo.Pool(arrays["feat_3d"], 14, pooled, 11, 6);
        Assert.Equal(arrays["pooled"].ToSingles(), pooled, (a, b) => Math.Abs(a - b) < 1e-6f);
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(7, 3)]
    [InlineData(6, 6)]
    [InlineData(4, 1)]
    public void The_segmentation_is_the_best_of_all_ordered_ones(int seconds, int steps)
    {
        var random = new CounterRandom(seconds, RandomPurpose.Bootstrap, steps);
        for (var trial = 0; trial < 20; trial++)
        {
            var scores = Enumerable.Range(0, seconds * steps).Select(_ => (float)random.NextDouble()).ToArray();
            var found = StepAlignment.Segment(scores, steps);
            Assert.Equal((0, steps - 1), (found[0], found[^1]));
            Assert.All(found.Zip(found.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 0, 1));
            Assert.Equal(Best(scores, seconds, steps, 0, 0), found.Select((step, second) => (double)scores[(second * steps) + step]).Sum(), 1e-6);
        }
    }

    [Fact]
    public void Fewer_seconds_than_steps_are_refused()
    {
        Assert.Throws<ArgumentException>(() => StepAlignment.Align(new float[6], 3));
        Assert.Throws<ArgumentException>(() => StepAlignment.Segment(new float[6], 3));
    }

    [Fact]
    public void Recall_is_pooled_over_a_tasks_videos_or_averaged_over_them()
    {
        StepHits[] videos = [new("a", 1, 1), new("a", 0, 3), new("b", 1, 2), new("b", 0, 0)];
        Assert.Equal(((1 / 4.0) + (1 / 2.0)) / 2, LocalisationMetrics.PooledRecall(videos), 1e-12);
        Assert.Equal(((1 + 0) / 2.0 + 0.5) / 2, LocalisationMetrics.RecallByVideo(videos), 1e-12);
        Assert.Equal(double.NaN, LocalisationMetrics.PooledRecall([]));
    }

    [Fact]
    public void Overlap_is_over_detected_seconds_and_over_the_union()
    {
        // Step 0: detected 0-2, annotated 1-3: 2 of 3, 2 of 4. Step 1: detected 3-5, annotated 5: 1 of 3, 1 of 3. Step 2 is not annotated.
        bool[] truth = [.. Enumerable.Range(0, 6).SelectMany(second => new[] { second is >= 1 and <= 3, second == 5, false })];
        var overlap = LocalisationMetrics.Overlap([0, 0, 0, 1, 1, 1], truth, 3)!.Value;
        Assert.Equal(((2 / 3.0) + (1 / 3.0)) / 2, overlap.IoD, 1e-12);
        Assert.Equal(((2 / 4.0) + (1 / 3.0)) / 2, overlap.IoU, 1e-12);
        Assert.Null(LocalisationMetrics.Overlap([0, 1], [false, false, false, false], 2));
    }

    static double Best(float[] scores, int seconds, int steps, int second, int step)
    {
        if (second == seconds) return step == steps - 1 ? 0 : double.NegativeInfinity;
        var here = scores[(second * steps) + step];
        if (second == seconds - 1) return step == steps - 1 ? here : double.NegativeInfinity;
        var stay = Best(scores, seconds, steps, second + 1, step);
        return here + (step + 1 < steps ? Math.Max(stay, Best(scores, seconds, steps, second + 1, step + 1)) : stay);
    }

    static float[] Matrix(int[] assignment, int steps)
    {
        var matrix = new float[assignment.Length * steps];
        for (var second = 0; second < assignment.Length; second++)
            if (assignment[second] >= 0) matrix[(second * steps) + assignment[second]] = 1;
        return matrix;
    }
}
