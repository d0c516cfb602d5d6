using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The whole loss (mcn-spec §5.4): masked margin softmax on three pairs, centroid contrast, reconstruction. Everything but the
/// reconstruction is differentiated in closed form, so that one backward pass through the network is all autograd does, and so that
/// clips can be encoded in groups: contrast and clusters see all embeddings, each group's graph gets the gradients of its own.
/// </summary>
public sealed class McnObjective
{
    readonly ObjectiveConfig config;
    readonly OnlineClusters? clusters;
    readonly double reconstructionWeight;
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
        reconstructionWeight = config.Objective.ReconWeight;
        clusterWeight = config.Objective.CluLamb.ToScalar();
        clusterShare = (config.Objective.CluLamb / divisor).ToScalar();
        modalities = count.ToScalar();
    }

    /// <summary>The loss of one step that is encoded in one piece, and its gradients in the network's parameters (added to what is there).</summary>
    /// <param name="embeddings">With graph.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="stepInEpoch">From 0.</param>
    /// <returns>The terms, scalars on the device.</returns>
    public LossBreakdown Backward(Embeddings embeddings, int epoch, int stepInEpoch)
    {
        var (loss, gradients) = Differentiate(embeddings.Video.detach(), embeddings.Audio.detach(), embeddings.Text.detach(), epoch, stepInEpoch);
        var reconstruction = Inject(embeddings, gradients, share: 1);
        clusters?.Keep();
        return loss with { Reconstruction = reconstruction };
    }

    /// <summary>The terms that look at all clips of a step together, and their gradients in the embeddings: no graph is needed or built.</summary>
    /// <param name="video">(N, D).</param>
    /// <param name="audio">(N, D).</param>
    /// <param name="text">(N, D).</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="stepInEpoch">From 0.</param>
    /// <returns>The terms without the reconstruction; dL/d of each embedding. What it makes of the clusters is still to be kept or dropped.</returns>
    public (LossBreakdown Loss, EmbeddingGradients Gradients) Differentiate(Tensor video, Tensor audio, Tensor text, int epoch, int stepInEpoch)
    {
        var clips = video.shape[0];
        var contrast = Contrast(video, audio, text, 0, clips, clips);
        var (cluster, more) = Cluster(video, audio, text, epoch, stepInEpoch);
        return (Loss(contrast, contrast.Statistics, cluster), contrast.Gradients(contrast.Statistics, more));
    }

    /// <summary>A rank's part of the contrasts between modalities; parameters as of <see cref="ContrastShare.Of"/>.</summary>
    public ContrastShare Contrast(Tensor video, Tensor audio, Tensor text, long first, long count, long group) =>
        ContrastShare.Of(config, video, audio, text, first, count, group);

    /// <summary>The terms without the reconstruction.</summary>
    /// <param name="complete">Statistics of all clips.</param>
    public static LossBreakdown Loss(ContrastShare contrast, IReadOnlyList<ContrastStatistics> complete, Tensor? cluster)
    {
        var losses = contrast.Losses(complete);
        return new LossBreakdown(losses[0], losses[1], losses[2], cluster, Reconstruction: null);
    }

    /// <summary>The cluster term over all clips and its gradients; nulls without k-means. What it makes of the clusters is still to be kept or dropped.</summary>
    public (Tensor? Loss, EmbeddingGradients? Gradients) Cluster(Tensor video, Tensor audio, Tensor text, int epoch, int stepInEpoch)
    {
        if (clusters is null) return (null, null);
        var (v, a, t) = (new Branch(video, !config.NoVideo), new Branch(audio, !config.NoAudio), new Branch(text, true));
        var loss = Cluster([.. new[] { v, a, t }.Where(branch => branch.On)], epoch, stepInEpoch);
        return (loss, new EmbeddingGradients(v.Gradient, a.Gradient, t.Gradient));
    }

    /// <summary>
    /// Takes the gradients of some clips' embeddings on into the parameters (added to what is there), and with them the term that each clip
    /// has for itself, the reconstruction.
    /// </summary>
    /// <param name="embeddings">Of n of the step's N clips, with graph.</param>
    /// <param name="gradients">Of the same clips.</param>
    /// <param name="share">n / N.</param>
    /// <returns>These clips' part of the reconstruction term; null without the heads.</returns>
    public Tensor? Inject(Embeddings embeddings, EmbeddingGradients gradients, double share)
    {
        List<Tensor> outputs = [embeddings.Video, embeddings.Audio, embeddings.Text];
        List<Tensor> seeds = [gradients.Video, gradients.Audio, gradients.Text];
        using var weight = (reconstructionWeight * share).ToScalar();
        var reconstruction = embeddings.ReconstructionError is { } error ? error.mean() * weight : null;
        if (reconstruction is not null)
        {
            outputs.Add(reconstruction);
            seeds.Add(ones_like(reconstruction));
        }

        Tape.Backward(outputs, seeds);
        return reconstruction?.detach();
    }

    Tensor Cluster(Branch[] branches, int epoch, int stepInEpoch)
    {
        using var scope = NewDisposeScope();
        var fused = (branches.Select(branch => branch.Value).Aggregate((sum, value) => sum.Plus(value)) / modalities).MoveToOuterDisposeScope(); // for the queue
        var labels = clusters!.Propose(fused, epoch, stepInEpoch);
        if (config.Mean)
        {
            var (loss, gradient) = CentroidContrast.LossAndGradient(fused, clusters.Centroids!, labels, config.Margin);
            foreach (var branch in branches) branch.Gradient.add_(gradient, clusterShare);
            return (loss * clusterWeight).MoveToOuterDisposeScope();
        }

        var total = zeros(Array.Empty<long>(), fused.dtype, fused.device);
        foreach (var branch in branches)
        {
            var (loss, gradient) = CentroidContrast.LossAndGradient(branch.Value, clusters.Centroids!, labels, config.Margin);
            branch.Gradient.add_(gradient, clusterShare);
            total.add_(loss, clusterShare);
        }

        return total.MoveToOuterDisposeScope();
    }

    /// <summary>One modality: its embeddings without graph, and the gradient that gathers there.</summary>
    sealed class Branch(Tensor embedding, bool on)
    {
        public bool On { get; } = on;

        public Tensor Value => embedding;

        public Tensor Gradient { get; } = zeros_like(embedding);
    }
}
