using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Recording;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One device and the replica of the network on it. Every call comes from the rank's own thread, because dispose scopes are per thread.
/// What the ranks do together is the <see cref="ReplicaTeam"/>'s.
/// </summary>
public sealed class GpuRank : IDisposable
{
    readonly WordTable words;

    /// <param name="device">`cpu` or `cuda:N`.</param>
    /// <param name="wordVectors">(vocabulary, we_dim), row 0 zero.</param>
    /// <param name="lane">Where its phases are marked; null: nowhere.</param>
    public GpuRank(RunConfig config, Device device, float[] wordVectors, RecorderLane? lane)
    {
        Config = config;
        Device = device;
        Lane = lane;
        Network = new McnNetwork(config.Model, config.Compatibility, config.Precision);
        if (device.type != DeviceType.CPU) Network.to(device);
        Network.train();
        Parameters = [.. Network.named_parameters().Where(p => p.parameter.requires_grad).Select(p => (p.name, (Tensor)p.parameter))];
        words = new WordTable(wordVectors, config.Model.WeDim, device);
    }

    public RunConfig Config { get; }

    public Device Device { get; }

    public McnNetwork Network { get; }

    /// <summary>What is trained, in the network's order.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Parameters { get; }

    public RecorderLane? Lane { get; }

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

    /// <summary>Waits until the device has done what was asked of it; a CPU always has.</summary>
    public void Finish()
    {
        if (Device.type == DeviceType.CUDA) cuda.synchronize(Device);
    }

    /// <summary>Host arrays of clips as tensors on this device.</summary>
    public ClipTensors ToDevice(HostClips clips) => words.ToDevice(clips);

    /// <summary>The same for <paramref name="count"/> of them.</summary>
    public ClipTensors ToDevice(HostClips clips, int start, int count) => words.ToDevice(clips, start, count);

    public void Dispose()
    {
        words.Dispose();
        Network.Dispose();
    }
}
