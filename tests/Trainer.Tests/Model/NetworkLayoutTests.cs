using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Model;

public sealed class NetworkLayoutTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_layout_is_the_state_of_the_network(bool recon)
    {
        using var scope = NewDisposeScope();
        var sizes = GoldenSet.Open(TestKit.GoldenFolders.Reduced).Config().Model with { Recon = recon };
        var state = new McnNetwork(sizes).state_dict();
        var layout = NetworkLayout.Of(sizes);
        Assert.Equal(state.Keys.Order(StringComparer.Ordinal), layout.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        Assert.All(layout, entry => Assert.Equal(state[entry.Name].shape, entry.Shape));
        Assert.All(layout, entry => Assert.Equal(state[entry.Name].dtype == ScalarType.Int64, NetworkLayout.IsCounter(entry.Name)));
    }

    [Fact]
    public void The_published_sizes_have_the_originals_159_entries_in_its_order()
    {
        var golden = GoldenSet.Open(TestKit.GoldenFolders.Reduced);
        var published = golden.Config().Model with
        {
            EmbdDim = 6144, FeatureDim = 4096, WeDim = 300, MelBands = 40, LayerWidths = [128, 128, 256, 512, 1024], Recon = true, ReconSize = 1024,
        };
        var layout = NetworkLayout.Of(published);
        Assert.Equal(159, layout.Count);
        Assert.Equal(Npz.ReadAll(golden.File("init_params.npz")).Keys, layout.Select(entry => entry.Name));
        // 223,776,770 parameters (mcn-spec §4) and what is no parameter: the statistics of the batch normalisations.
        var parameters = layout.Where(entry => !NetworkLayout.IsCounter(entry.Name) && !entry.Name.Contains("running_", StringComparison.Ordinal));
        Assert.Equal(223_776_770, parameters.Sum(entry => entry.Shape.Aggregate(1L, (product, size) => product * size)));
    }
}
