using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The fused embeddings of the last <c>queue_size</c> steps, of the first floor(P/2) clips of each video (mcn-spec §6.1, spec Q7).
/// A ring: a step replaces the oldest one in place instead of shifting a gigabyte as the original does. Cut by videos into
/// <see cref="VideoParts"/>, each a ring on its owner's device; all turn together. Written by rank 0's thread.
/// </summary>
public sealed class FeatureQueue : IDisposable
{
    readonly int videos;
    readonly int clipsPerVideo;
    readonly int steps;
    readonly Tensor[] parts;

    /// <param name="steps">Q: queue_size.</param>
    /// <param name="videos">B: batch_size.</param>
    /// <param name="clipsPerVideo">P: n_pair, at least 2.</param>
    /// <param name="width">D.</param>
    /// <param name="devices">Of the ranks that share it.</param>
    public FeatureQueue(int steps, int videos, int clipsPerVideo, int width, params IReadOnlyList<Device> devices)
    {
        this.steps = steps;
        this.videos = videos;
        this.clipsPerVideo = clipsPerVideo;
        parts = [.. VideoParts.Devices(devices).Select((device, part) =>
            zeros([steps, VideosOf(part) * Kept, width], ScalarType.Float32, device).DetachFromDisposeScope())];
    }

    /// <summary>Q: steps that it holds when it is full.</summary>
    public int Steps => steps;

    /// <summary>B x floor(P/2).</summary>
    public int RowsPerStep => videos * Kept;

    /// <summary>Place in the ring that the next step overwrites. Places Head, Head+1, … (wrapping) run from newest to oldest.</summary>
    public int Head { get; private set; }

    /// <summary>Steps stored so far, up to the queue's length.</summary>
    public int Filled { get; private set; }

    /// <summary>The original uses the queue once its last row is no longer zero: after queue_size steps.</summary>
    public bool IsFull => Filled == steps;

    /// <summary>(Q, rows of the part in a step, D) of each part as it lies in memory, on its owner's device; some have no rows.</summary>
    public IReadOnlyList<Tensor> Parts => parts;

    int Kept => clipsPerVideo / 2;

    /// <summary>A copy, (Q x B x floor(P/2), D), newest step first, as the original lays it out. For comparisons: training never joins it.</summary>
    public Tensor Rows()
    {
        using var scope = NewDisposeScope();
        var places = Enumerable.Range(0, steps).Select(age => (Head + age) % steps);
        return cat([.. places.SelectMany(place => parts.Select(part => part.select(0, place).to(parts[0].device)))], 0).MoveToOuterDisposeScope();
    }

    /// <summary>(D): one row of <see cref="Rows"/>, a view.</summary>
    public Tensor Row(long index)
    {
        var place = (int)((Head + (index / RowsPerStep)) % steps);
        var (video, clip) = ((int)(index % RowsPerStep / Kept), index % Kept);
        var part = Enumerable.Range(0, VideoParts.Count).First(part => video < VideoParts.Begin(videos, part + 1));
        return parts[part].select(0, place).select(0, ((video - VideoParts.Begin(videos, part)) * Kept) + clip);
    }

    /// <summary>Stores a step: each part's rows go to its owner, nothing else moves.</summary>
    /// <param name="fused">(B x P, D), video-major.</param>
    public void Push(Tensor fused)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Head = (Head + steps - 1) % steps;
        for (var part = 0; part < parts.Length; part++)
        {
            var count = VideosOf(part);
            if (count == 0) continue;
            var clips = fused.narrow(0, (long)VideoParts.Begin(videos, part) * clipsPerVideo, (long)count * clipsPerVideo).view(count, clipsPerVideo, -1);
            parts[part].select(0, Head).view(count, Kept, -1).copy_(clips.narrow(1, 0, Kept));
        }

        Filled = Math.Min(Filled + 1, steps);
    }

    /// <summary>Takes over the place of a checkpoint; the rings themselves are restored as tensors.</summary>
    public void Restore(int head, int filled) => (Head, Filled) = (head, filled);

    /// <summary>Takes over a queue that was kept in one piece, as checkpoints before version 3 do.</summary>
    /// <param name="whole">(Q, B x floor(P/2), D).</param>
    public void Restore(Tensor whole)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (var part = 0; part < parts.Length; part++) parts[part].copy_(whole.narrow(1, (long)VideoParts.Begin(videos, part) * Kept, parts[part].shape[1]));
    }

    public void Dispose()
    {
        foreach (var part in parts) part.Dispose();
    }

    int VideosOf(int part) => VideoParts.Begin(videos, part + 1) - VideoParts.Begin(videos, part);
}
