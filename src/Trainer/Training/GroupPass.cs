using System.Diagnostics;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One rank's part of one step: its BatchNorm groups, forward and back (gradient cache, Gao et al. 2021). The graphs of its first groups
/// are held, as many as it may; the others are encoded without graph first, and each again with graph when the gradient in its embeddings
/// is known and the graphs before it are gone: the memory of the groups that are held, whatever the batch. Both ways run the same kernels
/// on the same groups, so they give the same numbers. On the rank's thread, in the step's dispose scope.
/// </summary>
/// <param name="held">Groups whose graph is held, at least one.</param>
sealed class GroupPass(GpuRank rank, HostClips clips, ClipGroups groups, GroupRange mine, int held)
{
    readonly Embeddings[] kept = new Embeddings[Math.Min(held, mine.Count)];
    readonly GradientSum? sum = groups.Count > 1 ? new GradientSum() : null;

    /// <summary>Gradients of the groups done; null: the step is one group and they lie in the parameters.</summary>
    public GradientSum? Sum => sum;

    /// <summary>Time spent on the way of clips to the device, in both passes.</summary>
    public TimeSpan Copying { get; private set; }

    /// <summary>Embeddings of all clips of this rank, without graph: (n, D) each.</summary>
    public (Tensor Video, Tensor Audio, Tensor Text) Encode()
    {
        var all = new Embeddings[mine.Count];
        // Those without graph first: what they need on their way is gone before a graph is there.
        for (var i = kept.Length; i < all.Length; i++) all[i] = Encoded(mine.First + i, graph: false);
        for (var i = 0; i < kept.Length; i++) all[i] = kept[i] = Encoded(mine.First + i, graph: true);
        var joined = (Joined(all, e => e.Video), Joined(all, e => e.Audio), Joined(all, e => e.Text));
        foreach (var copied in all.Skip(kept.Length)) Free(copied);
        return joined;

        Embeddings Encoded(int group, bool graph)
        {
            // As in the original, the running statistics are those of the first group, which is its replica 0.
            rank.Network.FollowStatistics(group == 0);
            using var noGrad = graph ? null : no_grad();
            return Encode(group, reconstruct: graph);
        }
    }

    /// <summary>Takes the gradients in the embeddings on into the parameters, group by group.</summary>
    /// <param name="gradients">Of this rank's clips.</param>
    /// <returns>Each group's part of the reconstruction term; empty without the heads.</returns>
    public IReadOnlyList<Tensor> Backward(McnObjective objective, EmbeddingGradients gradients)
    {
        List<Tensor> reconstruction = [];
        rank.Network.FollowStatistics(false);
        for (var group = mine.First; group < mine.End; group++)
        {
            using var scope = NewDisposeScope();
            var embeddings = group - mine.First < kept.Length ? kept[group - mine.First] : Encode(group, reconstruct: true);
            var error = objective.Inject(embeddings, gradients.Rows((long)(group - mine.First) * groups.Size, groups.Size, rank.Device), (double)groups.Size / groups.Clips);
            Free(embeddings);
            if (error is not null) reconstruction.Add(error.MoveToOuterDisposeScope());
            sum?.Take(group, rank.Parameters);
        }

        return reconstruction;
    }

    Embeddings Encode(int group, bool reconstruct)
    {
        using var scope = NewDisposeScope(); // of inputs and maps only what autograd keeps stays, and that only as long as autograd keeps it
        var began = Stopwatch.GetTimestamp();
        var input = rank.ToDevice(clips, group * groups.Size, groups.Size);
        Copying += Stopwatch.GetElapsedTime(began);
        var embeddings = rank.Network.Encode(input, reconstruct);
        return new(embeddings.Audio.MoveToOuterDisposeScope(), embeddings.Video.MoveToOuterDisposeScope(),
            embeddings.Text.MoveToOuterDisposeScope(), embeddings.ReconstructionError?.MoveToOuterDisposeScope());
    }

    static void Free(Embeddings embeddings)
    {
        embeddings.Audio.Dispose();
        embeddings.Video.Dispose();
        embeddings.Text.Dispose();
        embeddings.ReconstructionError?.Dispose();
    }

    static Tensor Joined(Embeddings[] all, Func<Embeddings, Tensor> part)
    {
        using var scope = NewDisposeScope(); // a detached tensor holds the memory too
        return (all.Length == 1 ? part(all[0]).detach() : cat([.. all.Select(e => part(e).detach())], 0)).MoveToOuterDisposeScope();
    }
}
