using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Steps of a tiny network on random input, without files: 24 clips of 6 videos, with queue and k-means.</summary>
static class RandomBatches
{
    const int Vocabulary = 30;

    /// <param name="group">Clips of a BatchNorm group.</param>
    public static RunConfig Config(int group, int microBatch = 0, params string[] devices)
    {
        var config = TestRun.Config("/nowhere", "", "", "", "");
        return config with
        {
            Devices = devices.Length == 0 ? ["cpu"] : devices,
            Data = config.Data with { BatchSize = 6, NPair = 4, HowtoAudioFrames = 40, MaxWords = 5 },
            Model = config.Model with { EmbdDim = 12, FeatureDim = 10, WeDim = 6, MelBands = 8, LayerWidths = [3, 3, 4, 4, 6], ReconSize = 5, BatchnormGroup = group },
            Objective = config.Objective with { QueueSize = 3, ClusterSize = 4 },
            Optimizer = config.Optimizer with { WarmupSteps = 2, MicroBatch = microBatch },
            Compatibility = config.Compatibility with { LabelsBeforeLastUpdate = false },
        };
    }

    public static ReplicaTeam Team(RunConfig config) => new(config, Words(config), FirstRows);

    public static float[] Words(RunConfig config)
    {
        var random = new CounterRandom(5, RandomPurpose.Initialisation);
        return [.. Enumerable.Range(0, Vocabulary * config.Model.WeDim).Select(i => i < config.Model.WeDim ? 0 : (float)random.NextDouble() - 0.5f)];
    }

    public static long[] FirstRows(int rows, int clusters, int epoch, int step) => [.. Enumerable.Range(0, clusters).Select(cluster => (long)(cluster * 5 % rows))];

    /// <summary>The batch of a step: a function of its number.</summary>
    public static Batch Batch(RunConfig config, int step)
    {
        var batch = new Batch(BatchShape.Of(config)) { StepInEpoch = step };
        var random = new CounterRandom(6, RandomPurpose.Initialisation, step);
        for (var i = 0; i < batch.Video.Length; i++) batch.Video[i] = (float)random.NextDouble() - 0.5f;
        for (var i = 0; i < batch.Audio.Length; i++) batch.Audio[i] = (Half)(-80 * random.NextDouble());
        for (var i = 0; i < batch.Tokens.Length; i++) batch.Tokens[i] = (int)(random.NextDouble() * Vocabulary);
        Array.Fill(batch.FrameCounts, config.Data.HowtoAudioFrames);
        return batch;
    }

    /// <summary>State after so many steps, by name, and the loss of each.</summary>
    public static (Dictionary<string, byte[]> State, double[] Losses) Train(RunConfig config, int steps)
    {
        using var team = Team(config);
        var losses = Enumerable.Range(0, steps).Select(step => team.Step(Batch(config, step), 1e-3, read: true).Loss!.Total).ToArray();
        return (State(team), losses);
    }

    public static Dictionary<string, byte[]> State(ReplicaTeam team) =>
        TrainingState.TensorsOf(team).ToDictionary(tensor => tensor.Name, tensor => tensor.Value.detach().cpu().contiguous().bytes.ToArray());
}
