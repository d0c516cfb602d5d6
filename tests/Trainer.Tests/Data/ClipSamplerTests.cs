using System.Text.Json;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class ClipSamplerTests
{
    const int Limit = 70;

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Samples_every_golden_clip_as_the_original(string set)
    {
        var file = SharedFile.Golden(set, "clip_sampling.json");
        using var golden = JsonDocument.Parse(File.ReadAllBytes(file));
        using var captionFile = JsonDocument.Parse(File.ReadAllBytes(SharedFile.Golden(set, "caption.json")));
        var spectrograms = Spectrograms(set);
        var joined = new List<int>();
        var items = golden.RootElement.EnumerateArray().ToList();
        Assert.True(items.Count >= 28);
        foreach (var item in items)
        {
            var video = item.GetProperty("video").GetString()!;
            var captions = captionFile.RootElement.GetProperty(video);
            var (starts, ends) = (Numbers(captions, "start"), Numbers(captions, "end"));
            var clip = ClipSampler.Grow(starts, ends, item.GetProperty("caption_index").GetInt32(), item.GetProperty("min_time").GetDouble(), joined);
            Assert.Equal(item.GetProperty("start").GetDouble(), clip.Start);
            Assert.Equal(item.GetProperty("end").GetDouble(), clip.End);
            Assert.Equal(item.GetProperty("spec_frame_start").GetInt64(), ClipSampler.FrameAt(clip.Start));
            Assert.Equal(item.GetProperty("spec_frame_end").GetInt64(), ClipSampler.FrameAt(clip.End));

            var texts = captions.GetProperty("text").EnumerateArray().Select(text => text.GetString()!).ToList();
            Assert.Equal(item.GetProperty("words").EnumerateArray().Select(word => word.GetString()!), joined.SelectMany(i => Tokenizer.Split(texts[i])));

            var (frames, values) = spectrograms[video];
            var slice = ClipSampler.AudioSlice(clip, frames, Limit, negativeFirstFrame: true);
            Assert.Equal(item.GetProperty("nframes").GetInt32(), slice.Count);
            var sum = 0.0;
            for (var band = 0; band < values.Length / frames; band++)
                for (var frame = slice.First; frame < slice.First + slice.Count; frame++) sum += values[(band * frames) + frame];
            var expected = item.GetProperty("audio_sum").GetDouble();
            Assert.True(Math.Abs(sum - expected) <= 1e-5 * Math.Abs(expected), $"{video}: audio sum {sum}, expected {expected}");
        }
    }

    [Fact]
    public void A_clip_from_second_zero_has_audio_unless_the_original_is_asked_for()
    {
        var clip = new Clip(0, 0, 0.0, 3.0);
        Assert.Equal(new FrameSlice(0, 298), ClipSampler.AudioSlice(clip, 1000, 384, negativeFirstFrame: false));
        Assert.Equal(0, ClipSampler.AudioSlice(clip, 1000, 384, negativeFirstFrame: true).Count);
        // The exception to "nearly always": a clip that reaches the end keeps the last two frames.
        Assert.Equal(new FrameSlice(298, 2), ClipSampler.AudioSlice(new Clip(0, 0, 0.0, 4.0), 300, 384, negativeFirstFrame: true));
    }

    [Fact]
    public void A_clip_beyond_the_end_has_nothing()
    {
        var clip = new Clip(0, 0, 100, 101);
        Assert.Equal(0, ClipSampler.AudioSlice(clip, 500, 384, false).Count);
        Assert.Equal(0, ClipSampler.FeatureRows(clip, 1.5, 20).Count);
        Assert.Equal(new FrameSlice(2, 2), ClipSampler.FeatureRows(new Clip(0, 0, 1.5, 2.5), 1.5, 20));
    }

    [Fact]
    public void The_earlier_neighbour_is_taken_when_both_make_the_clip_equally_long()
    {
        var joined = new List<int>();
        Assert.Equal(new Clip(0, 1, 0, 2), ClipSampler.Grow([0, 1, 2], [1, 2, 3], 1, 1.5, joined));
        Assert.Equal([1, 0], joined);
        Assert.Equal(new Clip(0, 2, 0, 3), ClipSampler.Grow([0, 1, 2], [1, 2, 3], 1, 99, joined));
        Assert.Equal([1, 0, 2], joined);
    }

    [Fact]
    public void A_draw_depends_on_seed_epoch_and_video_alone()
    {
        Assert.Equal(Draw(1, 2, 3), Draw(1, 2, 3));
        Assert.NotEqual(Draw(1, 2, 3), Draw(2, 2, 3));
        Assert.NotEqual(Draw(1, 2, 3), Draw(1, 3, 3));
        Assert.NotEqual(Draw(1, 2, 3), Draw(1, 2, 4));
        Assert.Equal([33, 14, 34, 71, 6, 93], Draw(1, 2, 3)[..6]);

        static int[] Draw(long seed, int epoch, int video)
        {
            var indices = new int[32];
            ClipSampler.Draw(seed, epoch, video, 100, indices);
            return indices;
        }
    }

    static double[] Numbers(JsonElement captions, string key) => [.. captions.GetProperty(key).EnumerateArray().Select(number => number.GetDouble())];

    static Dictionary<string, (int Frames, float[] Values)> Spectrograms(string set)
    {
        using var reader = new NpzReader();
        return Directory.EnumerateFiles(SharedFile.Golden(set, "howto"), "*_spec.npz", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetFileName(file).Replace("_spec.npz", "", StringComparison.Ordinal), file =>
            {
                var array = reader.Read(file, "arr_0");
                return ((int)array.Shape[1], array.ToSingles());
            });
    }
}
