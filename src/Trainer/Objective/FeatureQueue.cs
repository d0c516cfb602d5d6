using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The fused embeddings of the last <c>queue_size</c> steps, of the first floor(P/2) clips of each video (mcn-spec §6.1, spec Q7).
/// A ring of blocks: a step replaces the oldest block instead of shifting a gigabyte as the original does.
/// </summary>
public sealed class FeatureQueue : IDisposable
{
    readonly int videos;
    readonly int clipsPerVideo;
    readonly int steps;
    readonly Tensor ring;

    /// <param name="steps">Q: queue_size.</param>
    /// <param name="videos">B: batch_size.</param>
    /// <param name="clipsPerVideo">P: n_pair, at least 2.</param>
    /// <param name="width">D.</param>
    public FeatureQueue(int steps, int videos, int clipsPerVideo, int width, Device device)
    {
        this.steps = steps;
        this.videos = videos;
        this.clipsPerVideo = clipsPerVideo;
        ring = zeros([steps, RowsPerStep, width], ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>B x floor(P/2).</summary>
    public int RowsPerStep => videos * (clipsPerVideo / 2);

    /// <summary>Block that the next step overwrites. Blocks Head, Head+1, … (wrapping) run from newest to oldest.</summary>
    public int Head { get; private set; }

    /// <summary>Steps stored so far, up to the queue's length.</summary>
    public int Filled { get; private set; }

    /// <summary>The original uses the queue once its last row is no longer zero: after queue_size steps.</summary>
    public bool IsFull => Filled == steps;

    /// <summary>(Q, B x floor(P/2), D) as it lies in memory, for a checkpoint.</summary>
    public Tensor Ring => ring;

    /// <summary>(Q x B x floor(P/2), D), newest step first, as the original lays it out.</summary>
    public Tensor Rows() => cat([ring.narrow(0, Head, steps - Head), ring.narrow(0, 0, Head)], 0).flatten(0, 1);

    /// <summary>Stores a step.</summary>
    /// <param name="fused">(B x P, D), video-major.</param>
    public void Push(Tensor fused)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Head = (Head + steps - 1) % steps;
        var half = fused.view(videos, clipsPerVideo, -1).narrow(1, 0, clipsPerVideo / 2);
        ring[Head].copy_(half.reshape(RowsPerStep, -1));
        Filled = Math.Min(Filled + 1, steps);
    }

    /// <summary>Takes over the place of a checkpoint; the ring itself is restored as a tensor.</summary>
    public void Restore(int head, int filled) => (Head, Filled) = (head, filled);

    public void Dispose() => ring.Dispose();
}
