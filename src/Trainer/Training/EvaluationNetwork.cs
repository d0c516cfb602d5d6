using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// A network with stored weights in evaluation mode, and the word vectors that its texts need. Owned by one thread; the caller opens a
/// dispose scope around what it encodes.
/// </summary>
public sealed class EvaluationNetwork : IDisposable
{
    readonly McnNetwork network;
    readonly WordTable words;

    /// <param name="compatibility">Null: every habit of the original.</param>
    public EvaluationNetwork(StoredWeights weights, Vocabulary vocabulary, Device device, CompatibilityConfig? compatibility = null)
    {
        network = new McnNetwork(weights.Sizes, compatibility);
        weights.Weights.CopyInto(network, weights.Sizes);
        if (device.type != DeviceType.CPU) network.to(device);
        network.eval();
        words = new WordTable(vocabulary.Vectors, vocabulary.Dimension, device);
    }

    /// <summary>Embeddings of clips, without graph.</summary>
    public Embeddings Encode(HostClips clips)
    {
        using var noGrad = no_grad();
        return network.Encode(words.ToDevice(clips), reconstruct: false);
    }

    public void Dispose()
    {
        words.Dispose();
        network.Dispose();
    }
}
