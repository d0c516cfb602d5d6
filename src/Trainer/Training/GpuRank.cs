using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Recording;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One device and the replica on it: network, optimizer, clustering. Every call comes from the rank's own thread, because dispose
/// scopes are per thread; each step opens and closes one, so that no tensor outlives it.
/// </summary>
public sealed class GpuRank : IDisposable
{
    readonly ClipGroups groups;
    readonly WordTable words;
    readonly McnObjective objective;

    /// <param name="device">`cpu` or `cuda:N`.</param>
    /// <param name="wordVectors">(vocabulary, we_dim), row 0 zero.</param>
    /// <param name="initialRows">Draws the first centroids.</param>
    public GpuRank(RunConfig config, Device device, float[] wordVectors, InitialRows initialRows)
    {
        Config = config;
        Device = device;
        Network = new McnNetwork(config.Model, config.Compatibility);
        Initialisation.Apply(Network, config.Seed);
        if (device.type != DeviceType.CPU) Network.to(device);
        Network.train();
        groups = ClipGroups.Of(config);
        GroupsHeld = Math.Clamp(config.Optimizer.MicroBatch / groups.Size, 1, groups.Count);
        Adam = new Adam(Network.named_parameters().Where(p => p.parameter.requires_grad).Select(p => (p.name, (Tensor)p.parameter)), config.Optimizer);
        Parameters = [.. Adam.Moments.Select(moment => moment.Parameter)];
        Clusters = config.Objective.Kmeans ? new OnlineClusters(config, device, initialRows) : null;
        objective = new McnObjective(config, Clusters);
        words = new WordTable(wordVectors, config.Model.WeDim, device);
    }

    public RunConfig Config { get; }

    public Device Device { get; }

    public McnNetwork Network { get; }

    public Adam Adam { get; }

    /// <summary>BatchNorm groups whose graph is held at a time; fewer need less memory and more time, and give the same numbers.</summary>
    internal int GroupsHeld { get; set; }

    /// <summary>What is trained, in the network's order.</summary>
    public IReadOnlyList<Tensor> Parameters { get; }

    public OnlineClusters? Clusters { get; }

    /// <summary>Where the phases of a step are marked; null: nowhere.</summary>
    public RecorderLane? Lane { get; init; }

    /// <summary>One optimisation step.</summary>
    /// <param name="batch">Host buffers; free again when the call returns.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="read">Whether to read the loss back: a synchronisation with the device.</param>
    public StepOutcome Step(Batch batch, double learningRate, bool read)
    {
        using var scope = NewDisposeScope();
        Lane?.Mark(RecorderPhase.Forward);
        var began = Stopwatch.GetTimestamp();
        var pass = new GroupPass(this, HostClips.From(batch), groups, groups.OfRank(0, 1), GroupsHeld);
        var (video, audio, text) = pass.Encode();
        var encoded = Stopwatch.GetTimestamp();
        var copied = pass.Copying;
        Lane?.Mark(RecorderPhase.Backward);
        var (loss, gradients) = objective.Differentiate(video, audio, text, batch.Epoch, batch.StepInEpoch);
        var reconstruction = pass.Backward(objective, gradients);
        if (pass.Sum?.Total() is { } total)
            for (var i = 0; i < total.Length; i++) Parameters[i].grad = total[i];
        var differentiated = Stopwatch.GetTimestamp();
        Lane?.Mark(RecorderPhase.Update);
        Adam.Step(learningRate);
        var stepped = Stopwatch.GetTimestamp();
        return new StepOutcome(
            read ? LossValues.From(loss with { Reconstruction = reconstruction.Count == 0 ? null : reconstruction.Aggregate((sum, part) => sum.Plus(part)) }) : null, // sync
            pass.Copying,
            Stopwatch.GetElapsedTime(began, encoded) - copied,
            Stopwatch.GetElapsedTime(encoded, differentiated) - (pass.Copying - copied),
            Stopwatch.GetElapsedTime(differentiated, stepped));
    }

    /// <summary>Embeddings of clips in evaluation mode, without graph; training mode is restored (spec Q4).</summary>
    public Embeddings EncodeForEvaluation(ClipTensors clips)
    {
        Lane?.Mark(RecorderPhase.Evaluate); // one a batch: a long evaluation is no hang
        using var noGrad = no_grad();
        Network.eval();
        try
        {
            return Network.Encode(clips, reconstruct: false);
        }
        finally
        {
            Network.train();
        }
    }

    /// <summary>Host arrays of clips as tensors on this device.</summary>
    public ClipTensors ToDevice(HostClips clips) => words.ToDevice(clips);

    /// <summary>The same for <paramref name="count"/> of them.</summary>
    public ClipTensors ToDevice(HostClips clips, int start, int count) => words.ToDevice(clips, start, count);

    public void Dispose()
    {
        Adam.Dispose();
        Clusters?.Dispose();
        words.Dispose();
        Network.Dispose();
    }
}

/// <summary>What one step gave.</summary>
/// <param name="Loss">Null when it was not read back.</param>
public sealed record StepOutcome(LossValues? Loss, TimeSpan HostToDevice, TimeSpan Forward, TimeSpan Backward, TimeSpan Optimizer);

/// <summary>A step's loss on the host; a term that is off is null.</summary>
public sealed record LossValues(double Total, double? TextVideo, double? AudioText, double? AudioVideo, double? Cluster, double? Reconstruction)
{
    public static LossValues From(LossBreakdown loss)
    {
        var values = new[] { loss.TextVideo, loss.AudioText, loss.AudioVideo, loss.Cluster, loss.Reconstruction }
            .Select(term => (double?)term?.item<float>()).ToArray(); // sync
        return new LossValues(values.Sum(value => value ?? 0), values[0], values[1], values[2], values[3], values[4]);
    }
}
