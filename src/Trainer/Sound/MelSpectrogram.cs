using System.Numerics.Tensors;

namespace Mcn.Web.Trainer.Sound;

/// <summary>
/// The original's spectrogram (mcn-spec §3.4): mean removed, pre-emphasis 0.97, a symmetric Hamming window of 25 ms every 10 ms, frames
/// centred with reflected ends, power, 40 Slaney mel bands from 20 to 8000 Hz of equal area, decibels below the loudest value, at least
/// -80. A level that is the same for the whole file (the `gain -4` of the original's sox) cancels out, except where power falls below
/// 1e-10. Pure.
/// </summary>
public static class MelSpectrogram
{
    public const int SampleRate = 16000;
    public const int Bands = 40;

    const int Window = 400;
    const int Hop = 160;
    const int Bins = (Window / 2) + 1;
    const double LeastHz = 20;
    const double MostHz = 8000;
    const double PreEmphasis = 0.97;
    const double LeastPower = 1e-10;
    const double Floor = 80;

    /// <summary>Zeros that stand for a file without a sample, as in the original.</summary>
    const int EmptySamples = 200;

    static readonly float[] Bank = MakeFilters();
    static readonly double[] Hamming = [.. Enumerable.Range(0, Window).Select(i => 0.54 - (0.46 * Math.Cos(2 * Math.PI * i / (Window - 1))))];
    static readonly double[] Cosines = Table(Math.Cos);
    static readonly double[] Sines = Table(Math.Sin);

    /// <summary>Columns for a number of samples: one every 10 ms and one more.</summary>
    public static int FramesOf(int samples) => 1 + ((samples == 0 ? EmptySamples : samples) / Hop);

    /// <param name="samples">Mono at 16 kHz, from -1 to 1.</param>
    /// <returns>(40, frames), band by band, decibels from -80 to 0.</returns>
    public static float[] Compute(ReadOnlySpan<float> samples)
    {
        var signal = Emphasised(samples);
        var frames = FramesOf(samples.Length);
        var power = new double[checked(Bands * frames)];
        var (frame, even, odd, spectrum) = (new double[Window], new double[Bins], new double[Bins], new double[Bins]);
        for (var t = 0; t < frames; t++)
        {
            for (var i = 0; i < Window; i++) frame[i] = signal[Reflected((t * Hop) + i - (Window / 2), signal.Length)] * Hamming[i];
            PowerSpectrum(frame, even, odd, spectrum);
            for (var band = 0; band < Bands; band++)
            {
                var sum = 0.0;
                for (var bin = 0; bin < Bins; bin++) sum += Bank[(band * Bins) + bin] * spectrum[bin];
                power[(band * frames) + t] = sum;
            }
        }

        var loudest = 10 * Math.Log10(Math.Max(LeastPower, TensorPrimitives.Max<double>(power)));
        return Array.ConvertAll(power, p => (float)Math.Max((10 * Math.Log10(Math.Max(LeastPower, p))) - loudest, -Floor));
    }

    /// <summary>Weight of each of the 201 frequency bins in each band: (40, 201), band by band.</summary>
    public static float[] Filters() => [.. Bank];

    static double[] Emphasised(ReadOnlySpan<float> samples)
    {
        if (samples.IsEmpty) return new double[EmptySamples];
        var mean = 0.0;
        foreach (var sample in samples) mean += sample;
        mean /= samples.Length;
        var signal = new double[samples.Length];
        signal[0] = samples[0] - mean;
        for (var i = 1; i < signal.Length; i++) signal[i] = samples[i] - mean - (PreEmphasis * (samples[i - 1] - mean));
        return signal;
    }

    /// <summary>Where a place outside of the signal is taken from: mirrored at the first and last sample, as often as it takes.</summary>
    static int Reflected(int at, int length)
    {
        if ((uint)at < (uint)length) return at;
        if (length == 1) return 0;
        var period = 2 * (length - 1);
        var place = ((at % period) + period) % period;
        return place < length ? place : period - place;
    }

    /// <summary>
    /// |DFT|² of 400 real values. Sums and differences of the mirrored halves leave 201 products a bin, and a table for them is as fast
    /// as needed: an hour of sound in about half a minute.
    /// </summary>
    static void PowerSpectrum(double[] frame, double[] even, double[] odd, double[] spectrum)
    {
        (even[0], odd[0]) = (frame[0], 0);
        (even[Bins - 1], odd[Bins - 1]) = (frame[Window / 2], 0);
        for (var i = 1; i < Bins - 1; i++) (even[i], odd[i]) = (frame[i] + frame[Window - i], frame[i] - frame[Window - i]);
        for (var bin = 0; bin < Bins; bin++)
        {
            var real = TensorPrimitives.Dot<double>(Cosines.AsSpan(bin * Bins, Bins), even);
            var imaginary = TensorPrimitives.Dot<double>(Sines.AsSpan(bin * Bins, Bins), odd);
            spectrum[bin] = (real * real) + (imaginary * imaginary);
        }
    }

    static double[] Table(Func<double, double> function) =>
        [.. from bin in Enumerable.Range(0, Bins) from i in Enumerable.Range(0, Bins) select function(2 * Math.PI * (bin * i % Window) / Window)];

    static float[] MakeFilters()
    {
        var (least, most) = (Mel(LeastHz), Mel(MostHz));
        double Edge(int i) => Hertz(least + ((most - least) * i / (Bands + 1)));
        var weights = new float[Bands * Bins];
        for (var band = 0; band < Bands; band++)
        {
            var (low, middle, high) = (Edge(band), Edge(band + 1), Edge(band + 2));
            for (var bin = 0; bin < Bins; bin++)
            {
                var hertz = bin * (double)SampleRate / Window;
                var height = Math.Min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
                weights[(band * Bins) + bin] = (float)(Math.Max(0, height) * 2 / (high - low));
            }
        }

        return weights;
    }

    // Slaney's scale: 3 mel every 200 Hz up to 1000 Hz, from there 27 mel for each factor of 6.4.
    static double Mel(double hertz) => hertz < 1000 ? hertz * 3 / 200 : 15 + (27 * Math.Log(hertz / 1000) / Math.Log(6.4));

    static double Hertz(double mel) => mel < 15 ? mel * 200 / 3 : 1000 * Math.Pow(6.4, (mel - 15) / 27);
}
