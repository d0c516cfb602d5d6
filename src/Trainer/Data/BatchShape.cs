using System.Runtime.CompilerServices;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data;

/// <summary>Sizes of one global batch.</summary>
/// <param name="Videos">B.</param>
/// <param name="ClipsPerVideo">P.</param>
/// <param name="VideoWidth">V: 2d and 3d features together.</param>
/// <param name="MelBands">Rows of the spectrogram.</param>
/// <param name="Frames">T: columns of the spectrogram, 10 ms each.</param>
/// <param name="Words">Words kept of a clip.</param>
public sealed record BatchShape(int Videos, int ClipsPerVideo, int VideoWidth, int MelBands, int Frames, int Words)
{
    /// <summary>N: rows of the batch.</summary>
    public int Clips => checked(Videos * ClipsPerVideo);

    /// <summary>Host memory of the batch's arrays, exact.</summary>
    public long Bytes =>
        ((long)Videos * ClipsPerVideo * ((VideoWidth * sizeof(float)) + ((long)MelBands * Frames * Unsafe.SizeOf<Half>())
            + sizeof(int) + (Words * sizeof(int)) + sizeof(int)))
        + ((long)Videos * sizeof(int));

    public static BatchShape Of(RunConfig config) => new(
        config.Data.BatchSize,
        config.Data.NPair,
        config.Model.FeatureDim,
        config.Model.MelBands,
        config.Data.HowtoAudioFrames,
        config.Data.MaxWords);
}
