using System.Numerics.Tensors;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// What each second of a video is described by in step localisation (mcn-spec §9.4): pooled feature rows and a window of audio. Pure.
/// </summary>
public static class SecondsOfVideo
{
    const int Half = 4;
    const float SmallestNorm = 1e-12f;

    /// <summary>Seconds of audio around second t of T: 8 s, moved inwards at both ends.</summary>
    public static (double Start, double End) Window(int second, int seconds) =>
        second < Half ? (0, 2 * Half)
        : second > seconds - Half ? (seconds - (2 * Half), seconds)
        : (second - Half, second + Half);

    /// <summary>Spectrogram frames of the window; a start before the video is its beginning.</summary>
    /// <param name="frames">Frames of the whole spectrogram.</param>
    public static FrameSlice Frames(int second, int seconds, int frames)
    {
        var (start, end) = Window(second, seconds);
        return ClipSampler.AudioSlice(new Clip(0, 0, start, end), frames, int.MaxValue, negativeFirstFrame: false);
    }

    /// <summary>
    /// Adaptive maximum over time: row t is the maximum of rows floor(t L / T) to ceil((t+1) L / T), then scaled to length 1.
    /// </summary>
    /// <param name="rows">(L, width).</param>
    /// <param name="seconds">T.</param>
    /// <param name="destination">(T, stride): row t begins at t x stride + offset.</param>
    public static void Pool(HostArray rows, int seconds, Span<float> destination, int stride, int offset)
    {
        var (length, width) = ((int)rows.Shape[0], (int)rows.Shape[1]);
        var values = rows.ToSingles();
        for (var second = 0; second < seconds; second++)
        {
            var pooled = destination.Slice((second * stride) + offset, width);
            var first = (int)((long)second * length / seconds);
            var end = (int)((((second + 1L) * length) + seconds - 1) / seconds);
            values.AsSpan(first * width, width).CopyTo(pooled);
            for (var row = first + 1; row < end; row++) TensorPrimitives.Max(pooled, values.AsSpan(row * width, width), pooled);
            TensorPrimitives.Divide(pooled, Math.Max(TensorPrimitives.Norm<float>(pooled), SmallestNorm), pooled);
        }
    }
}
