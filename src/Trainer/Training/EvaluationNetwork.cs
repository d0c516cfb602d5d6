using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// A network with stored weights in evaluation mode, and the word vectors that its texts need. Its sizes come from the weights. Owned
/// by one thread; the caller opens a dispose scope around what it encodes.
/// </summary>
public sealed class EvaluationNetwork : IDisposable
{
    readonly McnNetwork network;
    readonly WordTable words;

    /// <exception cref="UserError">The weights are not those of one network; every difference is named, nothing is loaded in part.</exception>
    public EvaluationNetwork(StoredWeights weights, Vocabulary vocabulary, Device device)
    {
        Sizes = SizesOf(weights);
        network = new McnNetwork(Sizes);
        Load(weights);
        if (device.type != DeviceType.CPU) network.to(device);
        network.eval();
        words = new WordTable(vocabulary.Vectors, vocabulary.Dimension, device);
    }

    public ModelConfig Sizes { get; }

    public static ModelConfig SizesOf(StoredWeights weights) =>
        NetworkSizes.Of(weights.Path, weights.Tensors.ToDictionary(tensor => tensor.Key, tensor => tensor.Value.Shape));

    /// <summary>Embeddings of clips, without graph.</summary>
    public Embeddings Encode(HostClips clips)
    {
        using var noGrad = no_grad();
        return network.Encode(words.ToDevice(clips), reconstruct: false);
    }

    void Load(StoredWeights weights)
    {
        const int shown = 8;
        var state = network.state_dict();
        var differences = state.Keys.Except(weights.Tensors.Keys).Select(name => $"{name} is missing")
            .Concat(weights.Tensors.Keys.Except(state.Keys).Select(name => $"{name} is unknown"))
            .Concat(from tensor in weights.Tensors
                    where state.TryGetValue(tensor.Key, out var ours) && !tensor.Value.Shape.SequenceEqual(ours.shape)
                    select $"{tensor.Key} has shape ({string.Join(", ", tensor.Value.Shape)}) instead of ({string.Join(", ", state[tensor.Key].shape)})")
            .ToArray();
        if (differences.Length > 0)
        {
            throw new UserError(weights.Path,
                string.Join("; ", differences.Take(shown)) + (differences.Length > shown ? $"; and {differences.Length - shown} more" : ""),
                $"the {state.Count} tensors of one network", "Give the whole checkpoint");
        }

        using var noGrad = no_grad();
        foreach (var (name, value) in state)
        {
            using var scope = NewDisposeScope();
            var array = weights.Tensors[name];
            value.copy_(array.Type == ArrayType.Int64 ? tensor(array.As<long>().ToArray(), array.Shape) : tensor(array.ToSingles(), array.Shape));
            if (value.is_floating_point() && !value.isfinite().all().item<bool>())
                throw new UserError(weights.Path, $"{name} holds NaN or infinity", "finite weights", "Give an earlier checkpoint");
        }
    }

    public void Dispose()
    {
        words.Dispose();
        network.Dispose();
    }
}
