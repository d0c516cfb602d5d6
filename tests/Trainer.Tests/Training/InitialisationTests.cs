using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class InitialisationTests
{
    [Fact]
    public void Weights_follow_the_originals_distributions_and_depend_on_the_seed_alone()
    {
        using var scope = NewDisposeScope();
        var config = GoldenSet.Open("reduced").Config("embd_dim=256", "layer_widths=[16,16,32,64,128]").Model;
        var (one, same, other) = (Made(config, 1), Made(config, 1), Made(config, 2));
        foreach (var (name, value) in one)
        {
            Assert.True(value.equal(same[name]).all().item<bool>(), name);
            if (value.dim() < 2) continue;
            Assert.False(value.equal(other[name]).all().item<bool>(), name);
            var expected = value.dim() == 4
                ? Math.Sqrt(2.0 / (value.shape[2] * value.shape[3] * value.shape[0]))
                : 1 / Math.Sqrt(3.0 * value.shape[1]); // deviation of a uniform distribution in ±1/√fan_in
            var tolerance = 5 * expected / Math.Sqrt(2.0 * value.NumberOfElements);
            Assert.Equal(expected, value.std().item<float>(), tolerance);
            Assert.Equal(0, value.mean().item<float>(), 5 * expected / Math.Sqrt(value.NumberOfElements));
        }

        Assert.True(one["GU_video.fc.bias"].abs().max().item<float>() <= 1 / Math.Sqrt(config.FeatureDim));
        Assert.Equal(1f, one["DAVEnet.bn1.weight"].min().item<float>());
    }

    static Dictionary<string, Tensor> Made(Mcn.Web.Shared.Configuration.ModelConfig config, long seed)
    {
        var network = new McnNetwork(config);
        Initialisation.Apply(network, seed);
        return network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
    }
}
