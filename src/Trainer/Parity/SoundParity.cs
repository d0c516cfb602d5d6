using Mcn.Web.Trainer.Sound;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Sound to spectrogram. The golden file is documented behaviour, not a run of the original (its README says why).</summary>
static class SoundParity
{
    // 80 dB of range; what is compared is half precision in the end.
    const double DecibelLimit = 1e-5;

    public static void Mel(GoldenFolder golden, ParityReport report)
    {
        var arrays = golden.Arrays("mel.npz");
        var expected = arrays.Host("raw");
        var wav = WavFile.Read(golden.FileOf("tone.wav"));
        var decibels = MelSpectrogram.Compute(wav.Samples);
        var (bands, frames) = ((int)expected.Shape[0], (int)expected.Shape[1]);
        report.Same("mel.shape", [MelSpectrogram.Bands, decibels.Length / MelSpectrogram.Bands], [bands, frames]);
        report.Near("mel.raw", decibels, expected.ToSingles(), DecibelLimit);
        report.Near("mel.mel_basis", MelSpectrogram.Filters(), arrays.Singles("mel_basis"), DecibelLimit);
        foreach (var name in new[] { "padded100", "cut50" })
        {
            var wanted = (int)arrays.Host(name).Shape[1];
            var sized = new float[bands * wanted];
            for (var band = 0; band < bands; band++) decibels.AsSpan(band * frames, Math.Min(frames, wanted)).CopyTo(sized.AsSpan(band * wanted));
            report.Near($"mel.{name}", sized, arrays.Singles(name), DecibelLimit);
        }
    }
}
