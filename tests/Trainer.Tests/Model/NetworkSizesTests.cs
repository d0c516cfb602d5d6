using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;

namespace Mcn.Web.Trainer.Tests.Model;

public sealed class NetworkSizesTests
{
    static readonly ModelConfig Small = new()
    {
        EmbdDim = 7, FeatureDim = 9, WeDim = 5, MelBands = 4, LayerWidths = [2, 3, 4, 5, 6], Recon = true, ReconSize = 8,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_sizes_of_a_network_are_found_in_its_weights(bool recon)
    {
        var config = Small with { Recon = recon };
        using var network = new McnNetwork(config);
        var found = NetworkSizes.Of("a.pth", network.state_dict().ToDictionary(tensor => tensor.Key, tensor => tensor.Value.shape));
        Assert.Equal(config.LayerWidths, found.LayerWidths);
        Assert.Equal(config with { ReconSize = recon ? 8 : 1 }, found with { LayerWidths = config.LayerWidths });
    }

    [Fact]
    public void Other_weights_are_refused_by_the_names_that_are_missing()
    {
        var error = Assert.Throws<UserError>(() => NetworkSizes.Of("resnet.pth", new Dictionary<string, long[]> { ["conv1.weight"] = [64, 3, 7, 7] }));
        Assert.Contains("resnet.pth: no DAVEnet.conv1.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_of_another_rank_is_refused()
    {
        using var network = new McnNetwork(Small);
        var shapes = network.state_dict().ToDictionary(tensor => tensor.Key, tensor => tensor.Value.shape);
        shapes["DAVEnet.conv1.weight"] = [2, 4, 1];
        Assert.Contains("DAVEnet.conv1.weight of shape (2, 4, 1)", Assert.Throws<UserError>(() => NetworkSizes.Of("a", shapes)).Message, StringComparison.Ordinal);
    }
}
