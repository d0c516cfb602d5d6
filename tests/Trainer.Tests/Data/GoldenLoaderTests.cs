using System.Text.Json;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>The four golden videos against what the original's loader returned for the same drawn captions.</summary>
public sealed class GoldenLoaderTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Items_equal_the_originals(string set)
    {
        using var described = JsonDocument.Parse(File.ReadAllBytes(SharedFile.Golden(set, "loader_items.json")));
        var arrays = Npz.ReadAll(SharedFile.Golden(set, "loader_items.npz"));
        var config = TestRun.Golden(set);
        var data = TrainingData.Open(config);
        using var reader = new VideoReader(config, data.Videos, data.Captions, data.Counters);
        var batch = new Batch(data.Shape);
        var items = described.RootElement.GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(4, items.Count);
        var compared = 0;
        for (var slot = 0; slot < items.Count; slot++)
        {
            if (!arrays.ContainsKey($"item{slot}_audio")) continue; // the reduced set has one of the four
            compared++;
            batch.Videos[slot] = items[slot].GetProperty("index").GetInt32();
            var drawn = items[slot].GetProperty("caption_indices").EnumerateArray().Select(index => index.GetInt32()).ToArray();
            drawn.CopyTo(batch.CaptionIndices, slot * 4);
            // What an earlier use of the buffers left behind must not shine through.
            batch.Audio.AsSpan().Fill((Half)7);
            batch.Tokens.AsSpan().Fill(3);
            reader.FillDrawn(batch, slot);

            Assert.Equal(items[slot].GetProperty("video_id").GetString(), data.Videos.IdOf(slot));
            Assert.Equal(arrays[$"item{slot}_audio"].As<ushort>(), Bits(batch.Audio.AsSpan(slot * 4 * 40 * 70, 4 * 40 * 70)));
            Assert.Equal(arrays[$"item{slot}_nframes"].As<int>(), batch.FrameCounts.AsSpan(slot * 4, 4));
            Near(arrays[$"item{slot}_video"].ToSingles(), batch.Video.AsSpan(slot * 4 * 96, 4 * 96));
            Assert.Equal(arrays[$"item{slot}_text"].ToSingles(), Vectors(data.Vocabulary, batch.Tokens.AsSpan(slot * 4 * 10, 4 * 10)));
        }

        Assert.Equal(arrays.Count / 4, compared);
        Assert.True(compared > 0);
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Sentences_are_encoded_as_the_original_does(string set)
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedFile.Golden(set, "tokenizer.json")));
        var words = golden.RootElement.GetProperty("vocab").EnumerateArray().Select(word => word.GetString()!).ToHashSet();
        var vocabulary = Vocabulary.Read(SharedFile.Golden(set, "word2vec.bin"), words, 20);
        Assert.Equal(words.Count, vocabulary.Count);
        Assert.All(vocabulary.Vectors[..20], value => Assert.Equal(0f, value));
        var ids = new int[10];
        foreach (var item in golden.RootElement.GetProperty("sentences").EnumerateArray().Where(item => item.GetProperty("input").ValueKind == JsonValueKind.String))
        {
            if (item.GetProperty("input").GetString() == "float:nan") continue;
            vocabulary.Encode(item.GetProperty("input").GetString()!, ids);
            var known = ids.TakeWhile(id => id != 0).Select(vocabulary.WordOf).ToList();
            Assert.Equal(item.GetProperty("in_vocab").EnumerateArray().Select(word => word.GetString()!), known);
            Assert.All(ids[known.Count..], id => Assert.Equal(0, id));
        }
    }

    static ReadOnlySpan<ushort> Bits(ReadOnlySpan<Half> values) => System.Runtime.InteropServices.MemoryMarshal.Cast<Half, ushort>(values);

    static float[] Vectors(Vocabulary vocabulary, ReadOnlySpan<int> ids)
    {
        var rows = new List<float>();
        foreach (var id in ids) rows.AddRange(vocabulary.Vectors.AsSpan(id * vocabulary.Dimension, vocabulary.Dimension));
        return [.. rows];
    }

    static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6f);
    }
}
