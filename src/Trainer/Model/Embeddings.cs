using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>What the network makes of N clips.</summary>
/// <param name="Audio">(N, D), not normalised.</param>
/// <param name="Video">(N, D), not normalised.</param>
/// <param name="Text">(N, D), not normalised.</param>
/// <param name="ReconstructionError">(N): sum of the three reconstruction errors; null without the heads or outside training.</param>
public sealed record Embeddings(Tensor Audio, Tensor Video, Tensor Text, Tensor? ReconstructionError);

/// <summary>N clips on the device of the network.</summary>
/// <param name="Video">(N, V) float: pooled and normalised 2d and 3d features.</param>
/// <param name="Audio">(N, mel, T) float: spectrogram in dB, zero-padded at the end.</param>
/// <param name="FrameCounts">(N) int64: frames before padding; used in evaluation mode only.</param>
/// <param name="Words">(U, we_dim) float: vectors of the distinct words of these clips; padding is a zero row of its own.</param>
/// <param name="WordIndex">(N, W) int64: row of <paramref name="Words"/> at each word position.</param>
public sealed record ClipTensors(Tensor Video, Tensor Audio, Tensor FrameCounts, Tensor Words, Tensor WordIndex)
{
    /// <summary>From dense word matrices (N, W, we_dim): every position is its own word.</summary>
    public static ClipTensors Dense(Tensor video, Tensor audio, Tensor frameCounts, Tensor text)
    {
        var (n, w, dim) = (text.shape[0], text.shape[1], text.shape[2]);
        using var positions = (n * w).ToScalar();
        return new(video, audio, frameCounts, text.reshape(n * w, dim), arange(Scalars.Zero, positions, Scalars.One, ScalarType.Int64, text.device).reshape(n, w));
    }
}
