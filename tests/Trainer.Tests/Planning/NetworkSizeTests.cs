using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Planning;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Planning;

public sealed class NetworkSizeTests
{
    public static ModelConfig Published { get; } = new()
    {
        EmbdDim = 6144, FeatureDim = 4096, WeDim = 300, MelBands = 40, LayerWidths = [128, 128, 256, 512, 1024], Recon = true, ReconSize = 1024,
    };

    [Fact]
    public void The_published_network_has_the_published_number_of_parameters()
    {
        Assert.Equal(223_776_770, new NetworkSize(Published).Parameters);
        Assert.Equal(193_353_730, new NetworkSize(Published with { Recon = false }).Parameters);
        Assert.Equal(19_480 - 22, new NetworkSize(Published).Buffers); // mcn-spec §4 counts the 22 counters too
    }

    [Theory]
    [InlineData(12, 10, 6, 5, new[] { 3, 3, 4, 4, 6 }, true, 5)]
    [InlineData(64, 96, 20, 40, new[] { 6, 6, 8, 12, 16 }, true, 24)]
    [InlineData(33, 14, 7, 9, new[] { 5, 7, 2, 11, 13 }, false, 1)]
    public void The_count_is_the_network_s_own(int embd, int video, int words, int mel, int[] widths, bool recon, int reconSize)
    {
        var model = new ModelConfig
        {
            EmbdDim = embd, FeatureDim = video, WeDim = words, MelBands = mel, LayerWidths = widths, Recon = recon, ReconSize = reconSize,
        };
        using var scope = NewDisposeScope();
        using var network = new McnNetwork(model);
        var size = new NetworkSize(model);
        Assert.Equal(network.parameters().Sum(parameter => parameter.NumberOfElements), size.Parameters);
        Assert.Equal(network.named_buffers().Where(buffer => buffer.buffer.shape.Length > 0).Sum(buffer => buffer.buffer.NumberOfElements), size.Buffers);
    }

    [Fact]
    public void Work_and_activations_of_a_clip_are_the_known_figures()
    {
        // reference: 3.995 G + 0.214 G multiply-adds forward; 2.64 M elements kept by the audio tower at 1000 frames.
        var size = new NetworkSize(Published);
        Assert.InRange(size.MultiplyAdds(1000, 20), 4.209e9 * 0.99, 4.209e9 * 1.01);
        Assert.InRange(size.AudioActivations(1000), 2.64e6 * 0.98, 2.64e6 * 1.02);
    }

    [Theory]
    [InlineData(128, 13.3, 19.5)]
    [InlineData(256, 23, 36)]
    [InlineData(512, 51, 75)]
    [InlineData(1024, 135, 184)]
    [InlineData(2048, 418, 517)]
    public void The_original_s_first_gpu_needs_what_was_seen_and_computed_for_it(int videos, double halfGigabytes, double singleGigabytes)
    {
        Assert.InRange(OriginalMemory.FirstGpuBytes(Published, videos, 1000, 20, 2) / 1e9, halfGigabytes * 0.97, halfGigabytes * 1.03);
        Assert.InRange(OriginalMemory.FirstGpuBytes(Published, videos, 1000, 20, 4) / 1e9, singleGigabytes * 0.97, singleGigabytes * 1.03);
    }
}
