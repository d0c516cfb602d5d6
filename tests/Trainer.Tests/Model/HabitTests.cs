using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.TestKit;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Model;

/// <summary>Each habit of the original that a switch mends: on, it is there (the golden vectors prove it in full); off, it is gone.</summary>
public sealed class HabitTests
{
    static readonly ModelConfig Sizes = new()
    {
        EmbdDim = 6, FeatureDim = 4, WeDim = 3, MelBands = 2, LayerWidths = [3, 3, 3, 4, 5], Recon = true, ReconSize = 4,
    };

    static readonly CompatibilityConfig Default = RunConfigFile.DefaultCompatibility();

    [Fact]
    public void Audio_is_pooled_over_its_padding_in_training_or_not()
    {
        using var scope = NewDisposeScope();
        var features = randn(2, 5, 8);
        var frames = tensor(new[] { 32L, 128 });
        var everywhere = AudioTower.PoolOverTime(features, frames, 128, everyPosition: true);
        var valid = AudioTower.PoolOverTime(features, frames, 128, everyPosition: false);
        GoldenSet.Near(everywhere, features.mean([2]), 1e-6, "all positions");
        GoldenSet.Near(valid[0], features[0].narrow(1, 0, 2).mean([1]), 1e-6, "the first 32 frames are 2 positions");
        GoldenSet.Near(valid[1], everywhere[1], 1e-6, "no padding, no difference");

        var on = new McnNetwork(Sizes, Default);
        var off = SameWeights(on, Default with { PoolOverPadding = false });
        var clips = Clips(frameCounts: [8, 64]);
        Assert.False(on.Encode(clips, false).Audio.allclose(off.Encode(clips, false).Audio));
        on.eval();
        off.eval();
        Assert.True(on.Encode(clips, false).Audio.allclose(off.Encode(clips, false).Audio), "evaluation never pools over padding");
    }

    [Fact]
    public void Padding_words_take_part_in_the_maximum_or_not()
    {
        using var scope = NewDisposeScope();
        foreach (var takesPart in new[] { true, false })
        {
            using var pooling = new SentencePooling(2, 1, takesPart);
            using var noGrad = no_grad();
            pooling.get_parameter("fc.weight")!.copy_(tensor(new[] { -1f, -1 }, [1, 2]));
            pooling.get_parameter("fc.bias")!.copy_(tensor(new[] { 5f }));
            var words = tensor(new[] { 0f, 0, 1, 1 }, [2, 2]);
            var sentences = pooling.call(words, tensor(new long[] { 1, 0, 0, 0 }, [2, 2]));
            Assert.Equal(takesPart ? 5 : 3, sentences[0].item<float>()); // the word gives 5 - 2, padding the bias
            Assert.Equal(5, sentences[1].item<float>()); // no word: the bias either way
        }
    }

    [Fact]
    public void Targets_of_the_reconstruction_carry_gradient_or_not()
    {
        using var scope = NewDisposeScope();
        var (weights, clips) = (new McnNetwork(Sizes), Clips([64, 64]));
        var gradients = new[] { true, false }.Select(on =>
        {
            var network = SameWeights(weights, Default with { TargetsCarryGradient = on });
            network.Encode(clips, true).ReconstructionError!.mean().backward();
            Tensor Gradient(string name) => network.get_parameter(name)!.grad!;
            return (Target: Gradient("text_pooling_caption.fc.weight"), Head: Gradient("recon_t.2.weight"));
        }).ToArray();
        Assert.True(gradients[0].Head.allclose(gradients[1].Head), "the heads learn the same");
        Assert.False(gradients[0].Target.allclose(gradients[1].Target), "what they are to reconstruct does not");
    }

    [Fact]
    public void Labels_are_those_before_the_last_update_of_the_centroids_or_assigned_anew()
    {
        using var scope = NewDisposeScope();
        // So small that one iteration moves the centroids by less than the tolerance, while the labels have not settled.
        var rows = tensor(new[] { 1f, 0.1f, 0.9f, 0.5f, 0.5f, 0.9f, 0.1f, 1 }, [4, 2]).div_(1000.ToScalar());
        long[][] labels = [.. new[] { true, false }.Select(before =>
        {
            var config = TestRun.Golden(GoldenFolders.Reduced);
            config = config with
            {
                Objective = config.Objective with { ClusterSize = 2, UseQueue = false },
                Compatibility = config.Compatibility with { LabelsBeforeLastUpdate = before, ZeroEmptyClusters = true },
            };
            using var clusters = new OnlineClusters(config, [CPU], (_, _, _, _) => [0, 1]);
            var result = clusters.Update(rows, 0, 0).data<long>().ToArray();
            Assert.Equal(1, clusters.LastFit!.Iterations);
            if (!before) Assert.Equal(SphericalKMeans.Assign(rows, clusters.Centroids!).data<long>().ToArray(), result);
            return result;
        })];
        Assert.Equal([0, 1, 1, 1], labels[0]);
        Assert.Equal([0, 0, 1, 1], labels[1]);
    }

    [Fact]
    public void Padding_is_the_loudest_value_or_the_floor()
    {
        using var set = new SmallSet(videos: 1);
        var config = set.Config with { Data = set.Config.Data with { HowtoAudioFrames = 1000, BatchSize = 1 } };
        foreach (var (loudest, expected) in new[] { (true, 0f), (false, -80f) })
        {
            var run = config with { Compatibility = config.Compatibility with { PadWithLoudest = loudest } };
            using var batches = TrainingData.Open(run).CreatePrefetcher(0, 0);
            var batch = batches.Next(CancellationToken.None);
            Assert.True(batch.FrameCounts[0] < 1000);
            Assert.Equal(expected, (float)batch.Audio[999]);
            batches.Return(batch);
        }
    }

    [Fact]
    public void A_caption_that_is_missing_is_the_word_None_or_no_word()
    {
        using var set = new SmallSet(videos: 1);
        set.Captions["v0"] = SmallSet.Caption(new List<object?> { 0.0, 2.0 }, new List<object?> { 2.0, 4.0 }, new List<object?> { null, "and" });
        set.WriteCaptions();
        Word2Vec.Write(set.PathOf("words.bin"), ["None", "and"], new float[] { 1, 2, 3, 4 }, 2, newlineAfterEach: false);
        foreach (var (isWord, expected) in new[] { (true, 1), (false, 0) })
        {
            var data = TrainingData.Open(set.Config with
            {
                Data = set.Config.Data with { BatchSize = 1 }, Compatibility = set.Config.Compatibility with { NoneIsAWord = isWord },
            });
            Assert.Equal(expected, data.Captions.TokensOf(0, 0).Length);
            Assert.Equal(1, data.Captions.NoneTexts);
        }
    }

    static McnNetwork SameWeights(McnNetwork network, CompatibilityConfig compatibility)
    {
        var other = new McnNetwork(Sizes, compatibility);
        other.load_state_dict(network.state_dict());
        return other;
    }

    static ClipTensors Clips(long[] frameCounts) => ClipTensors.Dense(randn(2, 4), randn(2, 2, 64), tensor(frameCounts), randn(2, 3, 3));
}
