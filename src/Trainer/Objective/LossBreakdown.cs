using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>The terms of one step's loss, scalars on the device, each as it enters the total (weights included).</summary>
/// <param name="TextVideo">Masked margin softmax, text against video; null when the pair is off.</param>
/// <param name="AudioText">Masked margin softmax, audio against text; null when the pair is off.</param>
/// <param name="AudioVideo">Masked margin softmax, audio against video; null when the pair is off.</param>
/// <param name="Cluster">Centroid contrast; null without k-means.</param>
/// <param name="Reconstruction">Reconstruction; null without the heads.</param>
public sealed record LossBreakdown(Tensor? TextVideo, Tensor? AudioText, Tensor? AudioVideo, Tensor? Cluster, Tensor? Reconstruction)
{
    public IEnumerable<Tensor> Terms =>
        new[] { TextVideo, AudioText, AudioVideo, Cluster, Reconstruction }.OfType<Tensor>();

    public Tensor Total => Terms.Aggregate((sum, term) => sum.Plus(term));
}
