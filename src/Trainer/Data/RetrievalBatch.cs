namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Host memory of consecutive items of a retrieval set. Used by one thread and filled again and again; only the first
/// <see cref="Count"/> rows are valid.
/// </summary>
public sealed class RetrievalBatch
{
    /// <param name="capacity">Most items.</param>
    /// <param name="videoWidth">V.</param>
    /// <param name="melBands">Rows of the spectrogram.</param>
    /// <param name="frames">T: 1024 x evaluation.num_frames_multiplier.</param>
    /// <param name="words">max_words.</param>
    public RetrievalBatch(int capacity, int videoWidth, int melBands, int frames, int words)
    {
        Capacity = capacity;
        Frames = frames;
        Words = words;
        Video = new float[checked(capacity * videoWidth)];
        Audio = new float[checked(capacity * melBands * frames)];
        FrameCounts = new int[capacity];
        Tokens = new int[checked(capacity * words)];
    }

    public int Capacity { get; }

    /// <summary>Decibels after the end of a clip's audio (spec Q12).</summary>
    public float Padding { get; init; }

    public int Frames { get; }

    public int Words { get; }

    /// <summary>Index of the first item in its set.</summary>
    public int First { get; internal set; }

    /// <summary>n: items in the batch.</summary>
    public int Count { get; internal set; }

    /// <summary>(n, V).</summary>
    public float[] Video { get; }

    /// <summary>(n, mel bands, T), cut or zero-padded.</summary>
    public float[] Audio { get; }

    /// <summary>(n): frames as stored, which may be more than T (mcn-spec §9.1: the pooling clips).</summary>
    public int[] FrameCounts { get; }

    /// <summary>(n, words), 0 after the last word.</summary>
    public int[] Tokens { get; }
}
