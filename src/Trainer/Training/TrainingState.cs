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
    const int QueueInParts = 3; // the version of checkpoints from which on the queue is kept part by part

    /// <summary>The replicas' own tensors, not copies: rank 0's parameters, buffers, both moments of each parameter, queue and centroids.</summary>
    public static IReadOnlyList<StateTensor> TensorsOf(ReplicaTeam team)
    {
        List<StateTensor> tensors = [.. team.Lead.Network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => new StateTensor(ModelFile, entry.Key, entry.Value))];
        foreach (var moment in team.Moments)
        {
            tensors.Add(new StateTensor(OptimizerFile, $"exp_avg.{moment.Name}", moment.First));
            tensors.Add(new StateTensor(OptimizerFile, $"exp_avg_sq.{moment.Name}", moment.Second));
        }

        if (team.Clusters?.Queue is { } queue)
            tensors.AddRange(queue.Parts.Select((part, index) => new StateTensor(ClustersFile, $"queue.{index}", part)).Where(part => part.Value.NumberOfElements > 0));
        if (team.Clusters?.Centroids is { } centroids) tensors.Add(new StateTensor(ClustersFile, "centroids", centroids));
        return tensors;
    }

    /// <summary>The counters beside the tensors.</summary>
    public static CheckpointManifest Count(ReplicaTeam team, CheckpointManifest manifest) => manifest with
    {
        AdamSteps = team.AdamSteps,
        QueueHead = team.Clusters?.Queue?.Head,
        QueueFilled = team.Clusters?.Queue?.Filled,
    };

    /// <summary>Puts counters back, and has <paramref name="copy"/> fill the tensors.</summary>
    public static TrainingPosition Restore(ReplicaTeam team, CheckpointManifest manifest, Action<IReadOnlyList<StateTensor>> copy)
    {
        using var scope = NewDisposeScope();
        team.AdamSteps = manifest.AdamSteps;
        if (team.Clusters is { Centroids: null } clusters && manifest.Step > 0)
            clusters.Restore(zeros(team.Config.Objective.ClusterSize, team.Config.Model.EmbdDim, device: team.Lead.Device));
        if (team.Clusters?.Queue is { } queue && manifest.FormatVersion < QueueInParts)
        {
            var whole = zeros(team.Config.Objective.QueueSize, queue.RowsPerStep, team.Config.Model.EmbdDim);
            copy([.. TensorsOf(team).Where(tensor => !tensor.Name.StartsWith("queue.", StringComparison.Ordinal)), new StateTensor(ClustersFile, "queue", whole)]);
            queue.Restore(whole);
        }
        else
        {
            copy(TensorsOf(team));
        }

        team.Clusters?.Queue?.Restore(manifest.QueueHead!.Value, manifest.QueueFilled!.Value);
        return PositionOf(manifest);
    }

    public static TrainingPosition PositionOf(CheckpointManifest manifest) => new(manifest.Step, manifest.Epoch, manifest.StepInEpoch, manifest.EpochsClosed);

    /// <summary>An upper bound of what a snapshot takes, before the first step has made centroids.</summary>
    public static long BytesAtMost(ReplicaTeam team) => StateImage.BytesOf(TensorsOf(team))
        + (team.Clusters is { Centroids: null } ? (long)team.Config.Objective.ClusterSize * team.Config.Model.EmbdDim * sizeof(float) : 0);
}

/// <param name="File">File of the checkpoint that holds it.</param>
readonly record struct StateTensor(string File, string Name, Tensor Value);
