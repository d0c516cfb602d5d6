using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class VideoReaderTests
{
    [Theory]
    [InlineData(ArrayType.Float16)]
    [InlineData(ArrayType.Float32)]
    [InlineData(ArrayType.Float64)]
    public void Every_float_type_gives_the_same_batch(ArrayType type)
    {
        using var set = new SmallSet(2);
        var expected = Read(set, 1, 4, 4, 9);
        set.WriteFeatures(1, "2d", SmallSet.Array(type, [20, 5], i => 1 + (i % 7)));
        set.WriteFeatures(1, "3d", SmallSet.Array(type, [30, 4], i => 1 + (i % 5) + 1));
        set.WriteSpectrogram(1, SmallSet.Array(type, [3, 2000], i => -(i % 64)));
        var actual = Read(set, 1, 4, 4, 9);
        Assert.Equal(expected.Video, actual.Video);
        Assert.Equal(expected.Audio, actual.Audio);
    }

    [Fact]
    public void Rows_are_pooled_over_the_clip_and_scaled()
    {
        using var set = new SmallSet(1);
        set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [20, 5], i => i == (6 * 5) + 2 ? 3 : i == (9 * 5) + 1 ? -4 : i / 5 is >= 6 and <= 10 && i % 5 == 0 ? 4 : 0));
        var batch = Read(set, 0, 3, 3, 3); // caption 3 is 6 to 8 s and grows by caption 2: 4 to 8 s, rows 4..8
        Assert.Equal([0.8f, 0, 0.6f, 0, 0], batch.Video[..5], (a, b) => Math.Abs(a - b) < 1e-6f);
        Assert.Equal([300, 300, 300], batch.FrameCounts);
        Assert.Equal((Half)(-(398 % 64)), batch.Audio[0]);
    }

    [Fact]
    public void Captions_beyond_the_features_are_padded_and_counted()
    {
        using var set = new SmallSet(1);
        set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [0, 5], _ => 1));
        set.WriteSpectrogram(0, SmallSet.Array(ArrayType.Float16, [3, 1700], _ => -1));
        var counters = new DataCounters();
        var batch = Read(set, 0, [9, 8, 0], counters); // 16..20 s, 14..18 s, 0..4 s
        Assert.Equal([102, 300, 300], batch.FrameCounts);
        Assert.Equal((1, 0, 3), (counters.ClipsWithShortAudio, counters.ClipsWithoutAudio, counters.ClipsWithoutVideoRows));
        Assert.All(batch.Audio[102..300], value => Assert.Equal(Half.Zero, value));
        Assert.All(batch.Video[..5], value => Assert.Equal(0f, value));
        Assert.Contains(counters.Warnings(), line => line.Contains("clips_with_short_audio 1, the first: ", StringComparison.Ordinal)
            && line.Contains("v0_spec.npz: clip 16 to 20 s; found 1700 frames, 102 of the clip's 300", StringComparison.Ordinal));

        set.WriteSpectrogram(0, SmallSet.Array(ArrayType.Float16, [3, 0], _ => -1));
        Assert.Equal([0, 0, 0], Read(set, 0, [9, 8, 0], counters).FrameCounts);
        Assert.Equal(3, counters.ClipsWithoutAudio);
        Assert.Equal(3, counters.Warnings().Count);
    }

    [Fact]
    public void Wrong_widths_bands_types_and_keys_are_refused_by_name()
    {
        using var set = new SmallSet(1);
        Refused(set, set.WriteFeatures(0, "3d", SmallSet.Array(ArrayType.Float16, [30, 3], _ => 1)), "3d features of width 3 beside 2d features of width 5", "model.feature_dim = 9");
        set.WriteFeatures(0, "3d", SmallSet.Array(ArrayType.Float16, [30, 4], _ => 1));
        Refused(set, set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [20, 9], _ => 1)), "width 9", "model.feature_dim = 9");
        Refused(set, set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Int64, [20, 5], _ => 1)), "Int64 of shape (20, 5)", "precision");
        Refused(set, set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float32, [5], _ => 1)), "shape (5)", "a matrix");
        Refused(set, set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float32, [20, 5], _ => 1), "feature"), "feature", "'features'");
        set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [20, 5], _ => 1));
        Refused(set, set.WriteSpectrogram(0, SmallSet.Array(ArrayType.Float16, [4, 2000], _ => 1)), "4 rows", "model.mel_bands = 3");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_value_that_is_no_number_is_refused_where_it_is_used(double wrong)
    {
        using var set = new SmallSet(1);
        var file = set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [20, 5], i => i == (17 * 5) + 3 ? wrong : 1));
        Read(set, 0, 0, 0, 0); // not used by this clip
        Refused(set, file, "`features`, row 17", "finite");
        set.WriteFeatures(0, "2d", SmallSet.Array(ArrayType.Float16, [20, 5], _ => 1));
        foreach (var type in new[] { ArrayType.Float16, ArrayType.Float32, ArrayType.Float64 })
            Refused(set, set.WriteSpectrogram(0, SmallSet.Array(type, [3, 2000], i => i == 2000 + 1641 ? wrong : -1)), "`arr_0`, row 1, frame 1641", "");
        Refused(set, set.WriteSpectrogram(0, SmallSet.Array(ArrayType.Float32, [3, 2000], i => i == 1641 ? -1e6 : -1)), "row 0, frame 1641", "");
    }

    [Fact]
    public void Torn_and_missing_files_are_refused_by_name()
    {
        using var set = new SmallSet(1);
        var file = set.WriteSpectrogram(0, SmallSet.Array(ArrayType.Float16, [3, 2000], i => -(i % 64)));
        using (var torn = File.OpenWrite(file)) torn.SetLength(torn.Length / 2);
        Refused(set, file, "", "");
        File.Delete(file);
        Refused(set, file, "", "");
    }

    static void Refused(SmallSet set, string file, string found, string expected)
    {
        var message = Assert.Throws<UserError>(() => Read(set, 0, 9, 9, 9)).Message;
        Assert.StartsWith(file, message, StringComparison.Ordinal);
        Assert.Contains(found, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    static Batch Read(SmallSet set, int video, params int[] drawn) => Read(set, video, drawn, new DataCounters());

    static Batch Read(SmallSet set, int video, int[] drawn, DataCounters counters)
    {
        var config = set.Config with { Data = set.Config.Data with { BatchSize = 1 } };
        var data = TrainingData.Open(config);
        using var reader = new VideoReader(config, data.Videos, data.Captions, counters);
        var batch = new Batch(data.Shape);
        batch.Videos[0] = video;
        drawn.CopyTo(batch.CaptionIndices, 0);
        batch.Audio.AsSpan().Fill((Half)5);
        batch.Video.AsSpan().Fill(5);
        reader.FillDrawn(batch, 0);
        return batch;
    }
}
