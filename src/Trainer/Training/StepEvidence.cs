using System.IO.Hashing;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>What a step leaves to be compared when it is repeated: inputs, loss, and some tensors after the update. On the rank's thread.</summary>
static class StepEvidence
{
    /// <summary>First elements of a tensor that are hashed: a change of the state changes them too, and a gigabyte need not cross the bus.</summary>
    const long MostElements = 1 << 16;

    /// <param name="position">Before the step.</param>
    public static StepProof Of(ReplicaTeam team, TrainingPosition position, double learningRate, Batch batch, LossValues loss) => new()
    {
        FormatVersion = ProtocolVersion.Checkpoint,
        Step = position.Step,
        LearningRate = learningRate,
        Samples = Hash(MemoryMarshal.AsBytes<int>(batch.Videos), MemoryMarshal.AsBytes<int>(batch.CaptionIndices)),
        Input = Hash(MemoryMarshal.AsBytes<float>(batch.Video), MemoryMarshal.AsBytes<Half>(batch.Audio), MemoryMarshal.AsBytes<int>(batch.FrameCounts), MemoryMarshal.AsBytes<int>(batch.Tokens)),
        Loss = MetricsOf(loss).ToDictionary(),
        Tensors = TensorsOf(team),
    };

    /// <summary>The terms that are on, by metric name; the total first.</summary>
    public static IEnumerable<KeyValuePair<string, double>> MetricsOf(LossValues loss) => new (string Name, double? Value)[]
    {
        (MetricCatalog.Loss, loss.Total),
        (MetricCatalog.LossTextVideo, loss.TextVideo),
        (MetricCatalog.LossAudioText, loss.AudioText),
        (MetricCatalog.LossVideoAudio, loss.AudioVideo),
        (MetricCatalog.LossCluster, loss.Cluster),
        (MetricCatalog.LossReconstruction, loss.Reconstruction),
    }.Where(term => term.Value is not null).Select(term => KeyValuePair.Create(term.Name, term.Value!.Value));

    /// <summary>First, middle and last tensor of each file of a checkpoint: network, moments, queue and centroids.</summary>
    static Dictionary<string, string> TensorsOf(ReplicaTeam team)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return TrainingState.TensorsOf(team).GroupBy(tensor => tensor.File)
            .SelectMany(file => file.ToArray() is var all ? new[] { all[0], all[all.Length / 2], all[^1] }.DistinctBy(tensor => tensor.Name) : [])
            .ToDictionary(tensor => tensor.Name, tensor =>
            {
                var flat = tensor.Value.detach().contiguous().view(-1);
                return Hash(flat.narrow(0, 0, Math.Min(MostElements, flat.NumberOfElements)).cpu().contiguous().bytes); // sync
            });
    }

    static string Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default, ReadOnlySpan<byte> third = default, ReadOnlySpan<byte> fourth = default)
    {
        var hash = new XxHash3();
        hash.Append(first);
        hash.Append(second);
        hash.Append(third);
        hash.Append(fourth);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
