using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Host memory of one global batch of N clips, filled by reader threads, read by the training thread, then filled again. Row of a
/// clip = position of its video in the batch x P + number of the clip. The arrays are pinned, so a device copy may start from them.
/// Owned by the <see cref="Prefetcher"/>; between Next and Return by the consumer.
/// </summary>
public sealed class Batch
{
    public Batch(BatchShape shape)
    {
        Shape = shape;
        Video = Pinned<float>((long)shape.Clips * shape.VideoWidth);
        Audio = Pinned<Half>((long)shape.Clips * shape.MelBands * shape.Frames);
        FrameCounts = Pinned<int>(shape.Clips);
        Tokens = Pinned<int>((long)shape.Clips * shape.Words);
        Videos = Pinned<int>(shape.Videos);
        CaptionIndices = Pinned<int>(shape.Clips);
    }

    public BatchShape Shape { get; }

    /// <summary>Epoch from 0.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Step within the epoch, from 0.</summary>
    public int StepInEpoch { get; internal set; }

    /// <summary>(N, V): pooled 2d and 3d features, each part of length 1 (or zero).</summary>
    public float[] Video { get; }

    /// <summary>(N, mel bands, T): decibels from -80 to 0, zero after the last valid frame.</summary>
    public Half[] Audio { get; }

    /// <summary>(N): valid frames, at most T.</summary>
    public int[] FrameCounts { get; }

    /// <summary>(N, words): ids of the <see cref="Vocabulary"/>, 0 after the last word.</summary>
    public int[] Tokens { get; }

    /// <summary>(B): rows of the <see cref="VideoList"/>.</summary>
    public int[] Videos { get; }

    /// <summary>(N): the drawn caption of each clip, counted within its video.</summary>
    public int[] CaptionIndices { get; }

    public long Bytes => Shape.Bytes;

    /// <summary>
    /// Clips whose caption was drawn before for the same video: they are in each other's negatives though they are equal
    /// (mcn-spec Q20, kept as it is).
    /// </summary>
    public int CountRepeatedClips()
    {
        var repeated = 0;
        for (var slot = 0; slot < Shape.Videos; slot++)
        {
            var drawn = CaptionIndices.AsSpan(slot * Shape.ClipsPerVideo, Shape.ClipsPerVideo);
            for (var i = 1; i < drawn.Length; i++)
                if (drawn[..i].Contains(drawn[i])) repeated++;
        }

        return repeated;
    }

    /// <summary>The P rows of a video in one of the arrays of clips.</summary>
    internal Span<T> RowsOf<T>(T[] array, int slot)
    {
        var length = array.Length / Shape.Videos;
        return array.AsSpan(slot * length, length);
    }

    static T[] Pinned<T>(long length)
        where T : unmanaged
    {
        if (length > Array.MaxLength)
        {
            throw new UserError("data.batch_size", $"an array of {length} elements in one batch", $"at most {Array.MaxLength}",
                "Lower batch_size, n_pair or howto_audio_frames", exitCode: 2);
        }

        return LargePages.Allocate<T>((int)length);
    }
}
