using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Model;

public sealed class McnNetworkTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Training_forward_equals_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var expected = golden.Arrays("forward_train");
        var network = golden.Network(golden.Config());
        network.train();

        var output = network.Encode(golden.Clips(0), reconstruct: true);

        AssertOutputs(output, expected);
        AssertStatistics(network, expected);
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Evaluation_forward_equals_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var expected = golden.Arrays("forward_eval");
        var network = golden.Network(golden.Config());
        network.train();
        network.Encode(golden.Clips(0), reconstruct: false); // the statistics of forward_train
        network.eval();

        var clips = golden.Clips(0) with { FrameCounts = expected["input_nframes"].to(ScalarType.Int64) };
        var output = network.Encode(clips, reconstruct: true);

        AssertOutputs(output, expected);
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Names_and_shapes_are_the_originals(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var original = golden.Arrays("init_params");
        var ours = new McnNetwork(golden.Config().Model).state_dict();
        Assert.Equal(original.Keys.Order(), ours.Keys.Order());
        foreach (var (name, value) in ours) Assert.Equal(original[name].shape, value.shape);
    }

    [Fact]
    public void Published_sizes_give_the_published_number_of_parameters()
    {
        // On the meta device nothing is allocated; 223,776,770 is what the original counts (mcn-spec §4).
        using var scope = NewDisposeScope();
        var config = GoldenSet.Open("reduced").Config(
            "embd_dim=6144", "feature_dim=4096", "we_dim=300", "recon_size=1024", "layer_widths=[128,128,256,512,1024]").Model;
        var parameters = new McnNetwork(config).parameters().Sum(p => p.NumberOfElements);
        Assert.Equal(223_776_770, parameters);
    }

    [Fact]
    public void Words_that_repeat_give_the_same_text_as_dense_word_matrices()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        var pooling = new SentencePooling(20, 64);
        var words = randn(5, 20);
        words[0].zero_();
        var index = randint(0, 5, [7, 10], ScalarType.Int64);

        var shared = pooling.call(words, index);
        var dense = pooling.call(words.index_select(0, index.reshape(-1)), tensor(Enumerable.Range(0, 70).Select(i => (long)i).ToArray(), [7, 10]));
        shared.sum().backward();
        var sharedGradient = pooling.parameters().Select(p => p.grad!.clone()).ToArray();
        pooling.zero_grad();
        dense.sum().backward();

        GoldenSet.Near(shared, dense, 1e-6, "output");
        foreach (var (one, other) in sharedGradient.Zip(pooling.parameters())) GoldenSet.Near(one, other.grad!, 1e-5, "gradient");
    }

    [Fact]
    public void Moving_the_network_to_another_type_moves_what_the_forward_pass_uses()
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open("reduced");
        var network = golden.Network(golden.Config());
        network.to(ScalarType.Float64);
        var clips = golden.Clips(0);
        clips = clips with { Video = clips.Video.@double(), Audio = clips.Audio.@double(), Words = clips.Words.@double() };

        var output = network.Encode(clips, reconstruct: true);

        Assert.Equal(ScalarType.Float64, output.Audio.dtype);
        GoldenSet.Near(output.Audio, golden.Arrays("forward_train")["out_audio"], 1e-5, "audio in double");
    }

    static void AssertOutputs(Embeddings output, IReadOnlyDictionary<string, Tensor> expected)
    {
        GoldenSet.Near(output.Audio, expected["out_audio"], 1e-5, "audio");
        GoldenSet.Near(output.Video, expected["out_video"], 1e-5, "video");
        GoldenSet.Near(output.Text, expected["out_text"], 1e-5, "text");
        GoldenSet.Near(output.ReconstructionError!, expected["out_mse"], 1e-5, "reconstruction error");
    }

    static void AssertStatistics(McnNetwork network, IReadOnlyDictionary<string, Tensor> expected)
    {
        var state = network.state_dict();
        var checkedArrays = 0;
        foreach (var (name, value) in expected.Where(pair => pair.Key.StartsWith("after_", StringComparison.Ordinal)))
        {
            GoldenSet.Near(state[name["after_".Length..]], value, 1e-5, name);
            checkedArrays++;
        }

        Assert.True(checkedArrays > 10);
    }
}
