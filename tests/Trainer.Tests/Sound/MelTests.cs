using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Sound;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Sound;

/// <summary>Beside the comparison with the golden spectrogram (Parity): resampling, and the verb.</summary>
public sealed class MelTests
{
    [Theory]
    [InlineData(8000)]
    [InlineData(22050)]
    [InlineData(44100)]
    [InlineData(48000)]
    public void A_tone_that_both_rates_can_carry_stays_what_it_is(int rate)
    {
        const double hertz = 1234.5;
        var resampled = Resampler.Resample(Tone(hertz, rate, rate), rate, MelSpectrogram.SampleRate);
        Assert.Equal(MelSpectrogram.SampleRate, resampled.Length);
        // Away from the ends, where silence is assumed.
        for (var i = 1000; i < 15000; i++) Assert.Equal(Math.Sin(2 * Math.PI * hertz * i / MelSpectrogram.SampleRate), resampled[i], 1e-3);
    }

    [Fact]
    public void A_tone_above_half_the_new_rate_is_gone_and_does_not_fold_back()
    {
        var resampled = Resampler.Resample(Tone(9000, 48000, 48000), 48000, MelSpectrogram.SampleRate);
        Assert.True(resampled[1000..15000].Max(Math.Abs) < 1e-4);
    }

    [Fact]
    public void A_tone_is_loudest_in_its_band_and_a_constant_level_changes_nothing()
    {
        var tone = Tone(1000, MelSpectrogram.SampleRate, 16000);
        var loud = MelSpectrogram.Compute(tone);
        var quiet = MelSpectrogram.Compute(tone.Select(sample => sample * 0.63f).ToArray()); // 4 dB
        var frames = loud.Length / MelSpectrogram.Bands;
        Assert.Equal(101, frames);
        var band = Enumerable.Range(0, MelSpectrogram.Bands).MaxBy(row => loud[(row * frames) + 50]);
        var filters = MelSpectrogram.Filters();
        Assert.True(filters[(band * 201) + 25] > 0); // bin 25 of 40 Hz each
        Assert.All(loud.Zip(quiet), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
        Assert.Equal((0f, true), (loud.Max(), loud.Min() >= -80));
    }

    [Fact]
    public void The_verb_writes_what_the_loader_reads_and_says_what_it_changed()
    {
        using var folder = new TempFolder();
        double[] stereo = [.. Tone(500, 44100, 44100).SelectMany(sample => new double[] { sample * 0.5, sample * 0.5 })];
        File.WriteAllBytes(folder.File("a.wav"), WavFileTests.Wav(1, 16, 2, 44100, stereo));
        using var result = new StringWriter();
        using var notes = new StringWriter();
        Assert.Equal(ExitCodes.Done, MelVerb.Run(folder.File("a.wav"), folder.File("a_spec.npz"), result, notes));
        Assert.Contains("mean of its 2 channels", notes.ToString(), StringComparison.Ordinal);
        Assert.Contains("resampled from 44100 to 16000 Hz", notes.ToString(), StringComparison.Ordinal);
        Assert.Contains("40 bands x 101 frames", result.ToString(), StringComparison.Ordinal);
        var array = Npz.ReadAll(folder.File("a_spec.npz"))["arr_0"];
        Assert.Equal((ArrayType.Float16, 40L, 101L), (array.Type, array.Shape[0], array.Shape[1]));
    }

    [Fact]
    public void A_file_without_a_sample_becomes_200_zeros_and_is_said_so()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("a.wav"), WavFileTests.Wav(1, 16, 1, 16000, []));
        using var result = new StringWriter();
        using var notes = new StringWriter();
        MelVerb.Run(folder.File("a.wav"), folder.File("a.npz"), result, notes);
        Assert.Contains("no sample", notes.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, Npz.ReadAll(folder.File("a.npz"))["arr_0"].Shape[1]);
    }

    static float[] Tone(double hertz, int rate, int samples) => [.. Enumerable.Range(0, samples).Select(i => (float)Math.Sin(2 * Math.PI * hertz * i / rate))];
}
