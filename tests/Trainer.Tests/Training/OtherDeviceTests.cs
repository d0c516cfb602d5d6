using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>
/// What a step does on a device that is not the host. libtorch's meta device has shapes and no numbers, and refuses a tensor of the host
/// beside one of its own, as a GPU does: a tensor made on the wrong device shows here, where there is no GPU. It lacks kernels: left out are
/// the audio tower (convolution, batch normalisation), words (index_select), the cluster term (log-sum-exp), and what a step reads back.
/// </summary>
public sealed class OtherDeviceTests : IDisposable
{
    const int Clips = 48;
    const int Group = 24;

    readonly DisposeScope scope = NewDisposeScope();
    readonly Shared.Configuration.RunConfig config = RandomBatches.Config(Group);

    [Fact]
    public void The_network_is_moved_with_all_that_it_has()
    {
        var network = new McnNetwork(config.Model, config.Compatibility, config.Precision);
        network.to(META);
        Assert.All(network.named_parameters(), parameter => Assert.Equal(DeviceType.META, parameter.parameter.device_type));
        Assert.All(network.named_buffers(), buffer => Assert.Equal(DeviceType.META, buffer.buffer.device_type));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(ScalarType.BFloat16)]
    public void Gates_heads_and_the_mean_over_time_run_there_and_back(ScalarType? compute)
    {
        var (gate, head) = (new GatedEmbedding(32, 64, compute), new ReconstructionHead(64, 24, 32, compute));
        nn.Module[] modules = [gate, head];
        foreach (var module in modules) module.to(META);
        var features = zeros(Group, 16, 40, device: META).requires_grad_(true);
        var video = zeros(Group, 32, device: META);
        var pooled = AudioTower.PoolOverTime(features, zeros([Group], ScalarType.Int64, META), 320, everyPosition: false);
        var embedding = gate.call(video);
        Tape.Backward([embedding, head.Error(embedding, video), pooled], [zeros(Group, 64, device: META), zeros(Group, device: META), zeros(Group, 16, device: META)]);
        Assert.All(modules.SelectMany(module => module.parameters()), parameter => Assert.Equal(DeviceType.META, parameter.grad!.device_type));
    }

    [Fact]
    public void Contrasts_sums_of_clusters_the_queue_and_the_optimizer_run_there()
    {
        var objective = new McnObjective(config, clusters: null);
        var (video, audio, text) = (Parameter(), Parameter(), Parameter());
        var (loss, gradients) = objective.Differentiate(video.detach(), audio.detach(), text.detach(), 0, 0);
        var centroids = zeros(8, 64, device: META);
        var part = new KMeansPart(META, [zeros(40, 64, device: META), zeros(Clips, 64, device: META)]);
        var sums = PartSums.Merge([part.Assign(centroids), part.Assign(centroids)], META);
        var reconstruction = objective.Inject(new Embeddings(audio, video, text, video.sum([1])), gradients, share: 1)!;
        using var adam = new Adam([("video", video), ("audio", audio), ("text", text)], config.Optimizer, allowFused: false);
        adam.Step(1e-3);
        using var queue = new FeatureQueue(2, 6, 8, 64, META);
        queue.Push(video.detach());
        Assert.All([loss.TextVideo!, loss.AudioText!, loss.AudioVideo!, part.Labels[^1], reconstruction, sums.Rows, queue.Parts[0]], tensor => Assert.Equal(DeviceType.META, tensor.device_type));
    }

    static Tensor Parameter() => zeros(Clips, 64, device: META).requires_grad_(true);

    public void Dispose() => scope.Dispose();
}
