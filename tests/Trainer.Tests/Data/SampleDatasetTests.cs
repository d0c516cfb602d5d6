using System.Security.Cryptography;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Sample;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>Makes seed 1 once for the tests that only read it (about 4 s).</summary>
public sealed class SampleFixture : IDisposable
{
    readonly TempFolder folder = new();

    public SampleFixture() => Manifest = SampleDataset.Make(Root, 1, shuffled: false, CancellationToken.None).Manifest;

    public string Root => folder.File("sample");

    public SampleManifest Manifest { get; }

    public void Dispose() => folder.Dispose();
}

public sealed class SampleDatasetTests(SampleFixture set) : IClassFixture<SampleFixture>
{
    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public void The_same_seed_makes_the_same_bytes_and_another_seed_others()
    {
        using var folder = new TempFolder();
        SampleDataset.Make(folder.File("again"), 1, shuffled: false, cancellation);
        SampleDataset.Make(folder.File("other"), 2, shuffled: false, cancellation);
        var first = Hashes(set.Root);
        Assert.Equal(first, Hashes(folder.File("again")));
        var other = Hashes(folder.File("other"));
        Assert.Equal(first.Keys, other.Keys);
        Assert.Equal(["train/videos.csv"], first.Keys.Where(file => first[file] == other[file]));
        Assert.InRange(set.Manifest.Bytes, 10_000_000, 30_000_000);
    }

    [Fact]
    public void The_control_differs_in_its_captions_alone_and_keeps_every_text()
    {
        using var folder = new TempFolder();
        SampleDataset.Make(folder.File("control"), 1, shuffled: true, cancellation);
        var (paired, control) = (Hashes(set.Root), Hashes(folder.File("control")));
        Assert.Equal(
            ["README.txt", "manifest.json", "train/caption.pickle"],
            paired.Keys.Where(file => paired[file] != control[file]).Order(StringComparer.Ordinal));
        var (before, after) = (Texts(set.Root), Texts(folder.File("control")));
        Assert.Equal(before.Order(StringComparer.Ordinal), after.Order(StringComparer.Ordinal));
        Assert.InRange(before.Zip(after).Count(pair => pair.First == pair.Second), 0, before.Count / 20);
    }

    [Fact]
    public void The_trainer_reads_every_clip_without_a_warning()
    {
        var config = Config();
        Assert.Empty(RunConfigRules.Check(config));
        Assert.Empty(RunConfigRules.CheckFiles(config));
        var data = TrainingData.Open(config);
        Assert.Equal(SamplePlan.Videos, data.Videos.Count);
        Assert.Equal(set.Manifest.Captions, data.Captions.Count);
        Assert.Equal(SamplePlan.HeldOut, Assert.Single(data.EvaluationSets).Count);
        using (var batches = data.CreatePrefetcher(0, 0))
        {
            for (var step = 0; step < data.Plan.StepsPerEpoch; step++)
            {
                var batch = batches.Next(cancellation);
                Assert.DoesNotContain(batch.FrameCounts, frames => frames < 200); // 2 s and more: cut sentences were joined with their own half
                batches.Return(batch);
            }
        }

        Assert.Empty(data.Counters.Warnings());
    }

    [Fact]
    public void Held_out_clips_are_all_different_and_their_combinations_are_in_no_training_video()
    {
        var plan = new SamplePlan(1);
        static (int, int, int) Saying(SampleClip clip) => (clip.Thing, clip.Action, clip.Sound);
        var trained = Enumerable.Range(0, SamplePlan.Videos).SelectMany(video => plan.VideoOf(video).Scenes).Select(scene => Saying(scene.Clip)).ToHashSet();
        var heldOut = Enumerable.Range(0, SamplePlan.HeldOut).Select(index => Saying(plan.HeldOutOf(index).Heard.Clip)).ToHashSet();
        Assert.Equal(SamplePlan.HeldOut, heldOut.Count);
        Assert.Empty(heldOut.Intersect(trained));
        // Every value is in training: only the combinations are new.
        Assert.Equal(SampleClip.Things, trained.Select(saying => saying.Item1).Distinct().Count());
        Assert.Equal(SampleClip.Actions, trained.Select(saying => saying.Item2).Distinct().Count());
        Assert.Equal(SampleClip.Sounds, trained.Select(saying => saying.Item3).Distinct().Count());

        var items = HeldOut();
        foreach (var key in new[] { "2d", "3d", "audio" })
            Assert.Equal(items.Count, items.Select(item => Convert.ToHexString(SHA256.HashData(((HostArray)item[key]!).Data.Span))).Distinct().Count());
        Assert.All(items, item => Assert.Equal(ArrayType.Float16, ((HostArray)item["audio"]!).Type));
        Assert.All(items, item => Assert.True(((HostArray)item["2d"]!).ToSingles().All(value => value >= 0)));
        Assert.Contains(items, item => ((HostArray)item["3d"]!).ToSingles().Any(value => value < 0));
    }

    [Fact]
    public void No_modality_is_a_copy_of_another_and_length_and_loudness_tell_nothing()
    {
        var items = HeldOut();
        var plan = new SamplePlan(1);
        var clips = Enumerable.Range(0, items.Count).Select(index => plan.HeldOutOf(index)).ToList();
        float[] Of(string key, Func<float[], double> measure) => [.. items.Select(item => (float)measure(((HostArray)item[key]!).ToSingles()))];
        var frames = Of("audio", audio => audio.Length);
        var loudness = Of("audio", audio => audio.Average());
        var brightness = Of("2d", row => row.Sum());
        var words = items.Select(item => (float)Tokenizer.Split((string)item["caption"]!).Count).ToArray();

        // 500 pairs: an unrelated pair is beyond 0.2 once in 100,000.
        Assert.InRange(Correlation(frames, [.. clips.Select(clip => (float)clip.Seen.End)]), -0.2, 0.2);
        Assert.InRange(Correlation(frames, words), -0.2, 0.2);
        Assert.InRange(Correlation(loudness, words), -0.2, 0.2);
        Assert.InRange(Correlation(brightness, words), -0.2, 0.2);
        Assert.InRange(Correlation(brightness, loudness), -0.2, 0.2);

        // Whatever number of the audio is taken, none of the 64 of the frames follows it.
        var rows = items.Select(item => ((HostArray)item["2d"]!).ToSingles()).ToList();
        for (var i = 0; i < SampleCamera.Width; i++) Assert.InRange(Correlation(loudness, [.. rows.Select(row => row[i])]), -0.3, 0.3);
    }

    SortedDictionary<string, string> Hashes(string root) => new(
        Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(root, file), file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))),
        StringComparer.Ordinal);

    static List<string> Texts(string root)
    {
        var pickle = (Dictionary<object, object?>)PickleReader.Read(Path.Combine(root, "train/caption.pickle"))!;
        return [.. pickle.Values.SelectMany(video => (IEnumerable<object?>)((Dictionary<object, object?>)video!)["text"]!).Select(text => (string)text!)];
    }

    List<Dictionary<object, object?>> HeldOut() =>
        [.. ((List<object?>)PickleReader.Read(Path.Combine(set.Root, "heldout.pkl"))!).Select(item => (Dictionary<object, object?>)item!)];

    RunConfig Config() => SampleConfig.Of(set.Root);

    static double Correlation(float[] a, float[] b)
    {
        var (meanA, meanB) = (a.Average(), b.Average());
        double product = 0, squareA = 0, squareB = 0;
        for (var i = 0; i < a.Length; i++)
        {
            product += (a[i] - meanA) * (b[i] - meanB);
            squareA += (a[i] - meanA) * (a[i] - meanA);
            squareB += (b[i] - meanB) * (b[i] - meanB);
        }

        return squareA * squareB == 0 ? 0 : product / Math.Sqrt(squareA * squareB);
    }
}
