using System.Numerics.Tensors;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Evaluation;

/// <param name="Start">Seconds; may be negative in a video shorter than the window, as in the original.</param>
/// <param name="End">Seconds.</param>
public readonly record struct AudioWindow(int Start, int End);

/// <summary>What the network sees of each second of a CrossTask or Mining YouTube video (mcn-spec §9.4). Pure.</summary>
public static class StepFeatures
{
    const int WindowSeconds = 8;
    const int SampleRate = 16000;
    const int WindowSamples = 400;
    const int HopSamples = 160;
    const float SmallestNorm = 1e-12f;

    /// <summary>Eight seconds of sound around second <paramref name="second"/>, moved inside the video at its ends.</summary>
    /// <param name="seconds">T: seconds of the video.</param>
    public static AudioWindow Window(int second, int seconds)
    {
        const int half = WindowSeconds / 2;
        if (second < half) return new(0, WindowSeconds);
        return second > seconds - half ? new(seconds - WindowSeconds, seconds) : new(second - half, second + half);
    }

    /// <summary>Spectrogram frames of a window: negative starts become 0, and nothing lies behind the end of the file.</summary>
    /// <param name="framesInFile">Columns of the spectrogram.</param>
    public static (int First, int Count) Frames(AudioWindow window, int framesInFile)
    {
        var first = Math.Min(Math.Max(0, Frame(window.Start)), framesInFile);
        return (first, Math.Max(0, Math.Min(Frame(window.End), framesInFile) - first));
    }

    static int Frame(int second) => (int)Math.Floor(((second * (double)SampleRate) - (WindowSamples / 2)) / HopSamples);

    /// <summary>
    /// Feature rows brought to one a second: row t is the maximum over rows floor(t L / T) .. ceil((t + 1) L / T), then length 1.
    /// </summary>
    /// <param name="rows">(L, width), L at least 1.</param>
    /// <param name="seconds">T.</param>
    /// <param name="destination">(T, stride).</param>
    /// <param name="stride">Width of a destination row.</param>
    /// <param name="column">First column to write.</param>
    public static void Pool(HostArray rows, int seconds, Span<float> destination, int stride, int column)
    {
        var (length, width) = (rows.Shape[0], checked((int)rows.Shape[1]));
        var row = new float[width];
        for (var t = 0; t < seconds; t++)
        {
            var pooled = destination.Slice((t * stride) + column, width);
            pooled.Fill(float.NegativeInfinity);
            var end = (((t + 1L) * length) + seconds - 1) / seconds;
            for (var source = t * length / seconds; source < end; source++)
            {
                rows.CopyTo(checked((int)source * width), row);
                TensorPrimitives.Max(pooled, row, pooled);
            }

            TensorPrimitives.Divide(pooled, Math.Max(TensorPrimitives.Norm<float>(pooled), SmallestNorm), pooled);
        }
    }
}
