using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>dL/d of the embeddings of some clips, (n, D) each.</summary>
public sealed record EmbeddingGradients(Tensor Video, Tensor Audio, Tensor Text)
{
    /// <summary>Those of consecutive clips, on a device: views where they are there already.</summary>
    public EmbeddingGradients Rows(long start, long count, Device device) =>
        new(Video.narrow(0, start, count).to(device), Audio.narrow(0, start, count).to(device), Text.narrow(0, start, count).to(device));

    internal EmbeddingGradients MoveToOuterDisposeScope() =>
        new(Video.MoveToOuterDisposeScope(), Audio.MoveToOuterDisposeScope(), Text.MoveToOuterDisposeScope());

    /// <summary>Nobody needs them any more.</summary>
    internal void Free()
    {
        Video.Dispose();
        Audio.Dispose();
        Text.Dispose();
    }
}
