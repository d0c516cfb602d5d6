using System.Numerics.Tensors;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Sound;

/// <summary>
/// Changes the sampling rate by a ratio of whole numbers: a sinc with a Kaiser window, one set of weights for each place between two
/// input samples. Passes up to 95 % of half the lower rate and takes away what is above that half (by 90 dB), so that nothing folds
/// back. Without delay. Pure.
/// </summary>
public static class Resampler
{
    public const int LeastRate = 4000;
    public const int MostRate = 192_000;

    // Kaiser's formulas for 90 dB, 256 weights at the lower rate: the band between passing and stopping is 4.5 % of half that rate wide.
    const double Beta = 9;
    const int HalfWidth = 128;
    const double Transition = 0.0223;
    const int MostWeights = 16 << 20;

    /// <param name="samples">At <paramref name="from"/> Hz; silence is assumed around them.</param>
    /// <param name="from">Rate of the samples, 4,000 to 192,000 Hz.</param>
    /// <param name="to">Rate wanted.</param>
    /// <returns>ceil(n to / from) samples; the first is at the time of the first.</returns>
    public static float[] Resample(ReadOnlySpan<float> samples, int from, int to)
    {
        if (from == to) return samples.ToArray();
        var divisor = Gcd(from, to);
        var (phases, advance) = (to / divisor, from / divisor);
        var scale = Math.Min(1, to / (double)from);
        var half = (int)Math.Ceiling(HalfWidth / scale);
        if ((long)phases * 2 * half > MostWeights)
            throw new UserError("resampling", $"{from} Hz, which has no small ratio to {to} Hz", "a usual rate such as 8000, 22050, 44100 or 48000", "Convert the file with sox or ffmpeg first");
        var weights = Weights(phases, half, scale);
        var result = new float[checked((int)((((long)samples.Length * phases) + advance - 1) / advance))];
        for (var k = 0; k < result.Length; k++)
        {
            var position = (long)k * advance;
            var first = (int)(position / phases) - half + 1;
            var (start, end) = (Math.Max(0, first), Math.Min(samples.Length, first + (2 * half)));
            var taps = weights.AsSpan((int)(position % phases) * 2 * half, 2 * half);
            result[k] = TensorPrimitives.Dot(samples[start..end], taps[(start - first)..(end - first)]);
        }

        return result;
    }

    /// <summary>(phases, 2 half): the weights for an output that lies phase / phases behind an input sample.</summary>
    static float[] Weights(int phases, int half, double scale)
    {
        var cutoff = (0.5 - (Transition / 2)) * scale; // cycles an input sample
        var weights = new float[phases * 2 * half];
        var row = new double[2 * half];
        for (var phase = 0; phase < phases; phase++)
        {
            for (var i = 0; i < row.Length; i++)
            {
                var t = i - half + 1 - (phase / (double)phases);
                row[i] = Sinc(2 * cutoff * t) * Bessel(Beta * Math.Sqrt(Math.Max(0, 1 - (t / half * (t / half)))));
            }

            var sum = TensorPrimitives.Sum<double>(row); // a constant stays what it is
            for (var i = 0; i < row.Length; i++) weights[(phase * row.Length) + i] = (float)(row[i] / sum);
        }

        return weights;
    }

    static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    /// <summary>The modified Bessel function I0, as its series.</summary>
    static double Bessel(double x)
    {
        var (sum, term) = (1.0, 1.0);
        for (var n = 1; term > sum * 1e-17; n++)
        {
            term *= x * x / (4.0 * n * n);
            sum += term;
        }

        return sum;
    }

    static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
