using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class RetrievalSetTests
{
    static readonly ModelConfig Model = new()
    {
        EmbdDim = 8, FeatureDim = 9, WeDim = 2, MelBands = 3, LayerWidths = [1, 1, 1, 1, 1], Recon = true, ReconSize = 4,
    };

    [Fact]
    public void Golden_items_equal_the_originals()
    {
        var arrays = Npz.ReadAll(SharedFile.Path("golden/youcook_items.npz"));
        var config = TestRun.Golden(GoldenFolders.Full);
        config = config with { Evaluation = config.Evaluation with { EvalFiles = [SharedFile.Path("golden/youcook_like.pkl")] } };
        var (vocabulary, sets) = EvaluationData.Open(config);
        var set = Assert.Single(sets);
        Assert.Equal("youcook_like", set.Name);
        Assert.Equal(6, set.Count);
        var batch = new RetrievalBatch(4, 96, 40, 1024, 10);
        for (var first = 0; first < set.Count; first += 4)
        {
            batch.Audio.AsSpan().Fill(7);
            set.Fill(first, vocabulary, batch);
            Assert.Equal(Math.Min(4, 6 - first), batch.Count);
            for (var row = 0; row < batch.Count; row++) Check(arrays, first + row, row, batch, vocabulary);
        }
    }

    static void Check(Dictionary<string, HostArray> arrays, int item, int row, RetrievalBatch batch, Vocabulary vocabulary)
    {
        Assert.Equal(arrays[$"item{item}_nframes"].As<long>()[0], batch.FrameCounts[row]);
        Assert.Equal(arrays[$"item{item}_video"].ToSingles(), batch.Video.AsSpan(row * 96, 96).ToArray(), (a, b) => Math.Abs(a - b) <= 1e-6f);
        var vectors = batch.Tokens.AsSpan(row * 10, 10).ToArray().SelectMany(id => vocabulary.Vectors.Skip(id * 20).Take(20));
        Assert.Equal(arrays[$"item{item}_text"].ToSingles(), vectors);
        var ends = arrays[$"item{item}_audio_first8_last8"].ToSingles();
        for (var band = 0; band < 40; band++)
        {
            var audio = batch.Audio.AsSpan(((row * 40) + band) * 1024, 1024).ToArray();
            Assert.Equal(ends[(band * 16)..((band * 16) + 16)], audio[..8].Concat(audio[^8..]));
            Assert.Equal(arrays[$"item{item}_audio_sum_per_band"].As<double>()[band], audio.Sum(value => (double)value), 0.01);
        }
    }

    [Fact]
    public void Digits_val_opens_without_the_training_captions()
    {
        var config = TestRun.Digits();
        var (_, sets) = EvaluationData.Open(config with { Data = config.Data with { CaptionPath = "/nowhere", TrainCsv = "/nowhere" } });
        Assert.Equal(200, Assert.Single(sets).Count);
        Assert.Equal(200, sets[0].Ids.Distinct().Count());
    }

    [Fact]
    public void Names_of_MSRVTT_tensors_and_lists_of_captions_are_read_too()
    {
        var set = Read(
            new Dictionary<object, object?>
            {
                ["id"] = "video7", ["2d_pooled"] = new TorchTensor(SmallSet.Array(ArrayType.Float64, [1, 5], i => i == 0 ? 2 : 0)),
                ["3d_pooled"] = SmallSet.Array(ArrayType.Float16, [4], _ => 1), ["audio"] = new TorchTensor(SmallSet.Array(ArrayType.Float64, [3, 2], i => i)),
                ["caption"] = new List<object?> { "first", "second" },
            },
            Item("one", 5, 4, 3));
        Assert.Equal(["first", "one"], set.Captions);
        Assert.Equal(["video7", "clip"], set.Ids);
        var batch = new RetrievalBatch(2, 9, 3, 4, 2);
        set.Fill(0, new Vocabulary(["one"], [1f, 2], 2), batch);
        Assert.Equal([1, 0, 0, 0, 0, 0.5f, 0.5f, 0.5f, 0.5f], batch.Video[..9]);
        Assert.Equal([0, 1, 0, 0, 2, 3, 0, 0, 4, 5, 0, 0], batch.Audio[..12]);
        Assert.Equal([2, 6], batch.FrameCounts);
        Assert.Equal([0, 0, 1, 0], batch.Tokens);
    }

    [Fact]
    public void Whatever_is_wrong_is_said_with_item_and_key()
    {
        Refused("item 1: the keys are 2d, 3d, caption, id", Without("audio"));
        Refused("item 1: the keys are 2d, 3d, audio, id; expected `eval_caption` or `caption`", Without("caption"));
        Refused("`2d` of width 6 and `3d` of width 4; expected model.feature_dim = 9", Item("a", 6, 4, 3));
        Refused("`audio` is an array of Float16 (2, 6); expected (model.mel_bands = 3, frames)", Item("a", 5, 4, 2));
        Refused("`3d` holds NaN", With("3d", SmallSet.Array(ArrayType.Float32, [4], i => i == 3 ? double.NaN : 1)));
        Refused("`audio` holds NaN or infinity", With("audio", SmallSet.Array(ArrayType.Float16, [3, 6], i => i == 17 ? double.PositiveInfinity : 1)));
        Refused("`audio` is a None", With("audio", null));
        Refused("`caption` is empty", With("caption", new List<object?>()));
        Refused("item 1: a str; expected a dict", "text");
    }

    [Fact]
    public void A_pickle_that_is_no_filled_list_is_refused()
    {
        using var folder = new TempFolder();
        PickleWriter.Write(folder.File("a.pkl"), new Dictionary<object, object?>());
        Assert.Contains("no list", Assert.Throws<UserError>(() => RetrievalSet.Read(folder.File("a.pkl"), Model)).Message, StringComparison.Ordinal);
        PickleWriter.Write(folder.File("a.pkl"), new List<object?>());
        Assert.Contains("an empty list", Assert.Throws<UserError>(() => RetrievalSet.Read(folder.File("a.pkl"), Model)).Message, StringComparison.Ordinal);
    }

    /// <summary>A dict in YouCook2's layout with six frames of audio.</summary>
    internal static Dictionary<object, object?> Item(string caption, int width2d, int width3d, int bands) => new()
    {
        ["2d"] = SmallSet.Array(ArrayType.Float32, [width2d], i => i + 1),
        ["3d"] = SmallSet.Array(ArrayType.Float32, [width3d], i => i + 1),
        ["audio"] = new TorchTensor(SmallSet.Array(ArrayType.Float16, [bands, 6], i => -i)),
        ["caption"] = caption,
        ["id"] = "clip",
    };

    static Dictionary<object, object?> Without(string key)
    {
        var item = Item("a", 5, 4, 3);
        item.Remove(key);
        return item;
    }

    static Dictionary<object, object?> With(string key, object? value)
    {
        var item = Item("a", 5, 4, 3);
        item[key] = value;
        return item;
    }

    static void Refused(string said, object second) =>
        Assert.Contains(said, Assert.Throws<UserError>(() => Read(Item("a", 5, 4, 3), second)).Message, StringComparison.Ordinal);

    static RetrievalSet Read(params object?[] items)
    {
        using var folder = new TempFolder();
        PickleWriter.Write(folder.File("set.pkl"), items.ToList());
        return RetrievalSet.Read(folder.File("set.pkl"), Model);
    }
}
