namespace Mcn.Web.Trainer.Import;

/// <summary>
/// What a pickle may cost. Every length in it is checked against the rest of the input as well, so that a small file can never
/// ask for much: the memory is at most about 100 times the input (an empty dict is one byte in the file and 80 in memory).
/// </summary>
public sealed record PickleLimits
{
    public static PickleLimits Default { get; } = new();

    /// <summary>Containers inside containers.</summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>Operations of the whole pickle.</summary>
    public long MaxItems { get; init; } = 8_000_000_000;

    /// <summary>Bytes of the input; captions of the full data set are about 6 GB.</summary>
    public long MaxBytes { get; init; } = 64L << 30;

    /// <summary>Bytes of one whole number (LONG1, LONG4); PyTorch's magic number has ten.</summary>
    public int MaxNumberBytes { get; init; } = 256;

    /// <summary>
    /// Work that the input can ask for again and again by naming earlier values (strided tensors, encoded text, embedded streams),
    /// as a multiple of its length. Plain arrays are not copied and do not count.
    /// </summary>
    public int MaxCopies { get; init; } = 16;
}
