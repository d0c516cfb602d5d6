using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The whole loss (mcn-spec §5.4): masked margin softmax on three pairs, centroid contrast, reconstruction. Everything but the
/// reconstruction is differentiated in closed form, so that one backward pass through the network is all autograd does.
/// </summary>
public sealed class McnObjective
{
    readonly ObjectiveConfig config;
    readonly OnlineClusters? clusters;
    readonly Scalar reconstructionWeight;
    readonly Scalar clusterWeight;
    readonly Scalar clusterShare;
    readonly Scalar modalities;

    /// <param name="clusters">Null without k-means.</param>
    public McnObjective(RunConfig config, OnlineClusters? clusters)
    {
        this.config = config.Objective;
        this.clusters = clusters;
        var count = config.Objective.NoAudio || config.Objective.NoVideo ? 2 : 3;
        var divisor = config.Objective.Mean || !config.Compatibility.ClusterDivisorThree ? count : 3;
        reconstructionWeight = config.Objective.ReconWeight.ToScalar();
        clusterWeight = config.Objective.CluLamb.ToScalar();
        clusterShare = (config.Objective.CluLamb / divisor).ToScalar();
        modalities = count.ToScalar();
    }

    /// <summary>The loss of one step, and its gradients in the network's parameters (added to what is there).</summary>
    /// <param name="embeddings">With graph.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="stepInEpoch">From 0.</param>
    /// <returns>The terms, scalars on the device.</returns>
    public LossBreakdown Backward(Embeddings embeddings, int epoch, int stepInEpoch)
    {
        var video = new Branch(embeddings.Video, !config.NoVideo);
        var audio = new Branch(embeddings.Audio, !config.NoAudio);
        var text = new Branch(embeddings.Text, true);
        var loss = new LossBreakdown(
            Contrast(text, video, config.WeightTextVideo),
            Contrast(audio, text, config.WeightAudioText),
            Contrast(audio, video, config.WeightAudioVideo),
            clusters is null ? null : Cluster([.. new[] { video, audio, text }.Where(branch => branch.On)], epoch, stepInEpoch),
            embeddings.ReconstructionError is { } error ? error.mean() * reconstructionWeight : null);

        List<Tensor> outputs = [embeddings.Video, embeddings.Audio, embeddings.Text];
        List<Tensor> gradients = [video.Gradient, audio.Gradient, text.Gradient];
        if (loss.Reconstruction is not null)
        {
            outputs.Add(loss.Reconstruction);
            gradients.Add(ones_like(loss.Reconstruction));
        }

        autograd.backward(outputs, gradients);
        return loss with { Reconstruction = loss.Reconstruction?.detach() };
    }

    Tensor? Contrast(Branch a, Branch b, double weight)
    {
        if (!a.On || !b.On || weight == 0) return null;
        var (loss, gradientA, gradientB) = MaskedMarginSoftmax.LossAndGradients(a.Value, b.Value, config.Margin);
        using var factor = weight.ToScalar();
        a.Gradient.add_(gradientA, factor);
        b.Gradient.add_(gradientB, factor);
        return loss * factor;
    }

    Tensor Cluster(Branch[] branches, int epoch, int stepInEpoch)
    {
        var fused = branches.Select(branch => branch.Value).Aggregate((sum, value) => sum + value) / modalities;
        var labels = clusters!.Update(fused, epoch, stepInEpoch);
        if (config.Mean)
        {
            var (loss, gradient) = CentroidContrast.LossAndGradient(fused, clusters.Centroids!, labels, config.Margin);
            foreach (var branch in branches) branch.Gradient.add_(gradient, clusterShare);
            return loss * clusterWeight;
        }

        var total = zeros(Array.Empty<long>(), fused.dtype, fused.device);
        foreach (var branch in branches)
        {
            var (loss, gradient) = CentroidContrast.LossAndGradient(branch.Value, clusters.Centroids!, labels, config.Margin);
            branch.Gradient.add_(gradient, clusterShare);
            total.add_(loss, clusterShare);
        }

        return total;
    }

    /// <summary>One modality: its embedding without graph, and the gradient that gathers there.</summary>
    sealed class Branch(Tensor embedding, bool on)
    {
        public bool On { get; } = on;

        public Tensor Value { get; } = embedding.detach();

        public Tensor Gradient { get; } = zeros_like(embedding);
    }
}
