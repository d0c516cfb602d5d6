using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One step as the ranks share it. Each writes at its own place before they meet and reads the others' after; tensors belong to the rank
/// that wrote them and live until the meeting about weights.
/// </summary>
/// <param name="number">Steps done before.</param>
sealed class ReplicaStep(Batch batch, double learningRate, bool read, long number, int ranks)
{
    readonly List<Shortage> shortages = [];
    LossBreakdown? overAllClips;

    public HostClips Clips { get; } = HostClips.From(batch);

    public double LearningRate => learningRate;

    public bool Read => read;

    public long Number => number;

    /// <summary>BatchNorm groups whose graph each rank holds at first.</summary>
    public required int GroupsHeld { get; init; }

    /// <summary>How memory ran short, once for each time that the step is begun anew.</summary>
    public IReadOnlyList<Shortage> Shortages => shortages;

    public int Epoch => batch.Epoch;

    /// <summary>Videos of which a rank encodes clips.</summary>
    public ReadOnlySpan<int> VideosOf(ClipGroups groups, GroupRange range)
    {
        var clipsPerVideo = groups.Clips / batch.Videos.Length;
        var first = range.First * groups.Size / clipsPerVideo;
        return batch.Videos.AsSpan(first, (range.End * groups.Size + clipsPerVideo - 1) / clipsPerVideo - first);
    }

    /// <summary>Of each rank's clips, without graph.</summary>
    public (Tensor Video, Tensor Audio, Tensor Text)[] Embeddings { get; } = new (Tensor, Tensor, Tensor)[ranks];

    /// <summary>In the embeddings of all clips, on rank 0's device.</summary>
    public EmbeddingGradients? Gradients { get; private set; }

    /// <summary>Of each rank, by group.</summary>
    public IReadOnlyList<Tensor>[] Reconstruction { get; } = new IReadOnlyList<Tensor>[ranks];

    /// <summary>Of each rank: its part of the gradients' sum.</summary>
    public IReadOnlyList<GradientSum.Part>[] Sums { get; } = new IReadOnlyList<GradientSum.Part>[ranks];

    /// <summary>A rank ran short; of several that did at once the first one is told.</summary>
    public void RanShort(Shortage shortage)
    {
        lock (shortages)
        {
            if (shortages.Count == 0 || shortages[^1].ClipsHeld != shortage.ClipsHeld) shortages.Add(shortage);
        }
    }

    /// <summary>The loss over all clips and its gradients, on rank 0.</summary>
    public void Differentiate(McnObjective objective, Device device)
    {
        Tensor All(Func<(Tensor Video, Tensor Audio, Tensor Text), Tensor> part) =>
            ranks == 1 ? part(Embeddings[0]) : cat([.. Embeddings.Select(embeddings => part(embeddings).to(device))], 0);
        (overAllClips, Gradients) = objective.Differentiate(All(e => e.Video), All(e => e.Audio), All(e => e.Text), batch.Epoch, batch.StepInEpoch);
    }

    /// <summary>Every term, on rank 0; the reconstruction is added up in the groups' order.</summary>
    public LossBreakdown Loss(Device device)
    {
        var parts = Reconstruction.SelectMany(part => part).ToArray();
        return overAllClips! with { Reconstruction = parts.Length == 0 ? null : parts.Select(part => part.to(device)).Aggregate((sum, part) => sum.Plus(part)) };
    }
}
