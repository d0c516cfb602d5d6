using Mcn.Web.Shared.Runs;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Everything that training needs to go on exactly, as a checkpoint holds it: tensors by file and name here, and counters in the
/// <see cref="CheckpointManifest"/>. The learning rate, the order of videos and every random number are functions of the step and the
/// seed, so they need no place. On the rank's thread.
/// </summary>
static class TrainingState
{
    public const string ModelFile = "model.safetensors";
    const string OptimizerFile = "optimizer.safetensors";
    const string ClustersFile = "clusters.safetensors";

    /// <summary>The rank's own tensors, not copies: parameters, buffers, both moments of each parameter, queue and centroids.</summary>
    public static IReadOnlyList<StateTensor> TensorsOf(GpuRank rank)
    {
        List<StateTensor> tensors = [.. rank.Network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => new StateTensor(ModelFile, entry.Key, entry.Value))];
        foreach (var moment in rank.Adam.Moments)
        {
            tensors.Add(new StateTensor(OptimizerFile, $"exp_avg.{moment.Name}", moment.First));
            tensors.Add(new StateTensor(OptimizerFile, $"exp_avg_sq.{moment.Name}", moment.Second));
        }

        if (rank.Clusters?.Queue is { } queue) tensors.Add(new StateTensor(ClustersFile, "queue", queue.Ring));
        if (rank.Clusters?.Centroids is { } centroids) tensors.Add(new StateTensor(ClustersFile, "centroids", centroids));
        return tensors;
    }

    /// <summary>The counters beside the tensors.</summary>
    public static CheckpointManifest Count(GpuRank rank, CheckpointManifest manifest) => manifest with
    {
        AdamSteps = rank.Adam.StepsTaken,
        QueueHead = rank.Clusters?.Queue?.Head,
        QueueFilled = rank.Clusters?.Queue?.Filled,
    };

    /// <summary>Puts counters back, and has <paramref name="copy"/> fill the tensors.</summary>
    public static TrainingPosition Restore(GpuRank rank, CheckpointManifest manifest, Action<IReadOnlyList<StateTensor>> copy)
    {
        using var scope = NewDisposeScope();
        rank.Adam.StepsTaken = manifest.AdamSteps;
        if (rank.Clusters is { Centroids: null } clusters && manifest.Step > 0)
            clusters.Restore(zeros(rank.Config.Objective.ClusterSize, rank.Config.Model.EmbdDim, device: rank.Device));
        copy(TensorsOf(rank));
        rank.Clusters?.Queue?.Restore(manifest.QueueHead!.Value, manifest.QueueFilled!.Value);
        return PositionOf(manifest);
    }

    public static TrainingPosition PositionOf(CheckpointManifest manifest) => new(manifest.Step, manifest.Epoch, manifest.StepInEpoch, manifest.EpochsClosed);

    /// <summary>An upper bound of what a snapshot takes, before the first step has made centroids.</summary>
    public static long BytesAtMost(GpuRank rank) => StateImage.BytesOf(TensorsOf(rank))
        + (rank.Clusters is { Centroids: null } ? (long)rank.Config.Objective.ClusterSize * rank.Config.Model.EmbdDim * sizeof(float) : 0);
}

/// <param name="File">File of the checkpoint that holds it.</param>
readonly record struct StateTensor(string File, string Name, Tensor Value);
