using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class CaptionStoreTests
{
    [Fact]
    public void Lists_tuples_and_arrays_give_the_same_captions()
    {
        using var set = new SmallSet(4);
        var texts = new List<object?> { "word1 x word2 word3", "", "word4" };
        set.Captions["v0"] = SmallSet.Caption(new List<object?> { 0.0, 2L, 4.5 }, new List<object?> { 1.5, 3L, 6.0 }, texts);
        set.Captions["v1"] = SmallSet.Caption(new object?[] { 0.0, 2.0, 4.5 }, new object?[] { 1.5, 3.0, 6.0 }, texts.ToArray());
        set.Captions["v2"] = SmallSet.Caption(Times(ArrayType.Float64), SmallSet.Array(ArrayType.Float32, [3], i => new[] { 1.5, 3, 6 }[i]), texts);
        set.WriteCaptions();
        var data = TrainingData.Open(set.Config with { Data = set.Config.Data with { MaxWords = 2 } });
        for (var video = 0; video < 3; video++)
        {
            Assert.Equal([0, 2, 4.5], data.Captions.StartsOf(video));
            Assert.Equal([1.5, 3, 6], data.Captions.EndsOf(video));
            Assert.Equal(["word1", "word2"], Words(data, video, 0)); // unknown words go first, then the cut (Q19)
            Assert.Equal(0, data.Captions.TokensOf(video, 1).Length);
            Assert.Equal(["word4"], Words(data, video, 2));
        }

        static HostArray Times(ArrayType type) => SmallSet.Array(type, [3], i => new[] { 0, 2, 4.5 }[i]);
    }

    [Fact]
    public void Missing_texts_become_words_and_are_counted()
    {
        using var set = new SmallSet(2);
        set.Captions["v1"] = SmallSet.Caption(SmallSet.Array(ArrayType.Int64, [3], i => i), SmallSet.Array(ArrayType.Int64, [3], i => i + 1),
            new List<object?> { null, double.NaN, "word0" });
        set.WriteCaptions();
        Word2Vec.Write(set.PathOf("words.bin"), ["None", "word0"], [1f, 2, 3, 4], 2, newlineAfterEach: true);
        var data = TrainingData.Open(set.Config);
        Assert.Equal((1, 1), (data.Captions.NoneTexts, data.Captions.NanTexts));
        Assert.Equal(["None"], Words(data, 1, 0));
        Assert.Equal([], Words(data, 1, 1));
    }

    [Fact]
    public void Rows_of_one_id_share_captions_and_unlisted_videos_are_left_out()
    {
        using var set = new SmallSet(4);
        File.WriteAllText(set.PathOf("videos.csv"), "path\na/v2\nb/v2\na/v0\n");
        set.Captions["other"] = "not even a dict";
        set.WriteCaptions();
        var data = TrainingData.Open(set.Config);
        Assert.Equal(20, data.Captions.Count);
        Assert.Equal(data.Captions.StartsOf(0), data.Captions.StartsOf(1));
        Assert.Equal(["word3", "and", "word2"], Words(data, 1, 3));
        Assert.Equal(["word3", "and", "word0"], Words(data, 2, 3));
    }

    [Fact]
    public void All_videos_without_captions_are_one_error()
    {
        using var set = new SmallSet(6);
        set.Captions.Remove("v1");
        set.Captions.Remove("v2");
        set.Captions["v3"] = SmallSet.Caption(new List<object?>(), new List<object?>(), new List<object?>());
        set.Captions.Remove("v5");
        set.WriteCaptions();
        var message = Assert.Throws<UserError>(() => TrainingData.Open(set.Config)).Message;
        Assert.StartsWith(set.PathOf("caption.pickle"), message, StringComparison.Ordinal);
        Assert.Contains("4 of 6 listed videos have no caption: v1, v2, v3, ...", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Unequal_lengths_reversed_and_missing_times_are_named()
    {
        using var set = new SmallSet(5);
        set.Captions["v0"] = SmallSet.Caption(new List<object?> { 1.0, 2.0 }, new List<object?> { 2.0 }, new List<object?> { "a", "b" });
        set.Captions["v1"] = SmallSet.Caption(new List<object?> { 1.0, 5.0 }, new List<object?> { 2.0, 4.5 }, new List<object?> { "a", "b" });
        set.Captions["v2"] = SmallSet.Caption(new List<object?> { double.NaN }, new List<object?> { 2.0 }, new List<object?> { "a" });
        set.WriteCaptions();
        var message = Assert.Throws<UserError>(() => TrainingData.Open(set.Config)).Message;
        Assert.Contains("3 listed videos", message, StringComparison.Ordinal);
        Assert.Contains("v0 (2 starts, 1 ends, 2 texts)", message, StringComparison.Ordinal);
        Assert.Contains("v1 (caption 1 ends at 4.5 s, before its start at 5 s)", message, StringComparison.Ordinal);
        Assert.Contains("v2 (caption 0 has a time that is no number)", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vector_file_of_another_width_or_language_is_refused()
    {
        using var set = new SmallSet(2);
        Assert.Contains("model.we_dim = 3", Refusal(set.Config with { Model = set.Config.Model with { WeDim = 3 } }), StringComparison.Ordinal);
        Word2Vec.Write(set.PathOf("words.bin"), ["mot"], [1f, 2], 2, newlineAfterEach: false);
        Assert.Contains("none of the", Refusal(set.Config), StringComparison.Ordinal);

        static string Refusal(Mcn.Web.Shared.Configuration.RunConfig config) => Assert.Throws<UserError>(() => TrainingData.Open(config)).Message;
    }

    /// <summary>
    /// Every caption has the words that <see cref="Vocabulary.Encode"/> gives, in lists that the reader packs and in lists that it does not
    /// (a None among the texts, a whole number among the times), with words beyond ASCII and beyond eight letters.
    /// </summary>
    [Fact]
    public void Packed_and_other_lists_give_the_known_words_of_every_caption()
    {
        const int Captions = 200;
        string[] words = ["a", "stir", "refrigerator", "don't", "crème", "語", "_x1"];
        var random = new CounterRandom(3, RandomPurpose.SampleSet, 8);
        using var set = new SmallSet(4);
        var sentences = Enumerable.Range(0, Captions)
            .Select(_ => string.Concat(Enumerable.Range(0, random.Next(9)).Select(_ => (random.Next(3) == 0 ? "unknown" : words[random.Next(words.Length)]) + (random.Next(2) == 0 ? " " : ", ")))).ToList();
        for (var video = 0; video < 4; video++)
        {
            var (starts, texts) = (Enumerable.Range(0, Captions).Select(object? (i) => i + 0.5).ToList(), sentences.Select(object? (text) => text).ToList());
            if (video % 2 == 1) starts[7] = 7L;
            if (video > 1) texts[9] = null;
            set.Captions[$"v{video}"] = SmallSet.Caption(starts, Enumerable.Range(0, Captions).Select(object? (i) => i + 1.5).ToList(), texts);
        }

        set.WriteCaptions();
        Word2Vec.Write(set.PathOf("words.bin"), words, new float[words.Length * 2], 2, newlineAfterEach: true);
        var data = TrainingData.Open(set.Config);
        var expected = new int[set.Config.Data.MaxWords];
        for (var video = 0; video < 4; video++)
        {
            Assert.Equal(Enumerable.Range(0, Captions).Select(i => i == 7 && video % 2 == 1 ? 7 : i + 0.5), data.Captions.StartsOf(video).ToArray());
            for (var caption = 0; caption < Captions; caption++)
            {
                data.Vocabulary.Encode(video > 1 && caption == 9 ? "" : sentences[caption], expected);
                Assert.Equal(expected.TakeWhile(id => id > 0), data.Captions.TokensOf(video, caption).ToArray());
            }
        }

        Assert.Equal(words.Length, data.Vocabulary.Count);
    }

    static List<string> Words(TrainingData data, int video, int caption) =>
        [.. data.Captions.TokensOf(video, caption).ToArray().Select(data.Vocabulary.WordOf)];
}
