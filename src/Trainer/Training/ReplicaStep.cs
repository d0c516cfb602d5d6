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
    readonly (Tensor Video, Tensor Audio, Tensor Text)[] seen = new (Tensor, Tensor, Tensor)[ranks];
    LossBreakdown? overAllClips;
    (Tensor? Loss, EmbeddingGradients? Gradients) cluster;

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

    /// <summary>Of each rank: what its part of the contrasts found in its clips.</summary>
    public IReadOnlyList<ContrastStatistics>[] Statistics { get; } = new IReadOnlyList<ContrastStatistics>[ranks];

    /// <summary>Of each rank, by group.</summary>
    public IReadOnlyList<Tensor>[] Reconstruction { get; } = new IReadOnlyList<Tensor>[ranks];

    /// <summary>Of each rank: its part of the gradients' sum.</summary>
    public IReadOnlyList<GradientSum.Part>[] Sums { get; } = new IReadOnlyList<GradientSum.Part>[ranks];

    /// <summary>Of each rank: time that it spent on the way of clips to its device, for the embeddings and in all.</summary>
    public (TimeSpan First, TimeSpan All)[] Copying { get; } = new (TimeSpan, TimeSpan)[ranks];

    /// <summary>Norm of each parameter's gradient, from its owner; zero for one without gradient.</summary>
    public required double[] GradientNorms { get; init; }

    /// <summary>A rank ran short; of several that did at once the first one is told.</summary>
    public void RanShort(Shortage shortage)
    {
        lock (shortages)
        {
            if (shortages.Count == 0 || shortages[^1].ClipsHeld != shortage.ClipsHeld) shortages.Add(shortage);
        }
    }

    /// <summary>A rank's part of the contrasts, and on rank 0 the cluster term: all look at the embeddings of every clip.</summary>
    public ContrastShare Contrast(int rank, McnObjective objective, Device device, ClipGroups groups)
    {
        var (video, audio, text) = seen[rank] = (All(e => e.Video), All(e => e.Audio), All(e => e.Text));
        var mine = groups.OfRank(rank, ranks);
        var contrast = objective.Contrast(video, audio, text, mine.First * (long)groups.Size, mine.Count * (long)groups.Size, groups.Size);
        Statistics[rank] = contrast.Statistics;
        if (rank == 0) cluster = objective.Cluster(video, audio, text, batch.Epoch, batch.StepInEpoch);
        return contrast;

        Tensor All(Func<(Tensor Video, Tensor Audio, Tensor Text), Tensor> part)
        {
            if (ranks == 1) return part(Embeddings[0]);
            using var scope = NewDisposeScope(); // of the copies between devices
            return cat([.. Embeddings.Select(embeddings => part(embeddings).to(device))], 0).MoveToOuterDisposeScope();
        }
    }

    /// <summary>In the embeddings of a rank's clips, once every rank has its statistics; on rank 0 the loss too.</summary>
    public EmbeddingGradients Gradients(int rank, ContrastShare contrast, Device device, ClipGroups groups)
    {
        Tensor All(int pair, Func<ContrastStatistics, Tensor> part) =>
            ranks == 1 ? part(Statistics[0][pair]) : cat([.. Statistics.Select(statistics => part(statistics[pair]).to(device))], 0);
        var complete = Enumerable.Range(0, Statistics[0].Count)
            .Select(pair => new ContrastStatistics(All(pair, s => s.RowLse), All(pair, s => s.ColumnLse), All(pair, s => s.Matching))).ToArray();
        if (rank == 0) overAllClips = McnObjective.Loss(contrast, complete, cluster.Loss);
        var mine = groups.OfRank(rank, ranks);
        using var scope = NewDisposeScope(); // views would hold the cluster term's gradients of all clips
        return contrast.Gradients(complete, cluster.Gradients?.Rows(mine.First * (long)groups.Size, mine.Count * (long)groups.Size, device)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees what only the loss looked at, once every rank has its gradients: from then on the embeddings of all clips lie nowhere.</summary>
    public void LeaveLoss(int rank)
    {
        foreach (var (video, audio, text) in new[] { seen[rank], Embeddings[rank] })
        {
            video.Dispose();
            audio.Dispose();
            text.Dispose();
        }

        if (rank == 0) cluster.Gradients?.Free();
    }

    /// <summary>Reads the norms of the gradients that a rank owns: a synchronisation with its device.</summary>
    public void MeasureGradients(GpuRank rank, int index, int[] owners)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var mine = Enumerable.Range(0, owners.Length).Where(i => owners[i] == index && rank.Parameters[i].Value.grad is not null).ToArray();
        if (mine.Length == 0) return;
        var norms = stack([.. mine.Select(i => rank.Parameters[i].Value.grad!.norm())]).cpu().data<float>().ToArray(); // sync
        for (var i = 0; i < mine.Length; i++) GradientNorms[mine[i]] = norms[i];
    }

    /// <summary>Every term, on rank 0; the reconstruction is added up in the groups' order.</summary>
    public LossBreakdown Loss(Device device)
    {
        var parts = Reconstruction.SelectMany(part => part).ToArray();
        return overAllClips! with { Reconstruction = parts.Length == 0 ? null : parts.Select(part => part.to(device)).Aggregate((sum, part) => sum.Plus(part)) };
    }
}
