using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Sound;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Verbs;

namespace Mcn.Web.Trainer.Tests.Sound;

public sealed class MelSpectrogramTests : IDisposable
{
    readonly TempFolder folder = new();

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void The_golden_sound_gives_the_originals_decibels_and_bands(string set)
    {
        var golden = Npz.ReadAll(SharedFile.Golden(set, "mel.npz"));
        Near(golden["mel_basis"].ToSingles(), MelSpectrogram.Filters(), 1e-5);
        var wav = WavFile.Read(SharedFile.Golden(set, "tone.wav"));
        Assert.Equal(MelSpectrogram.SampleRate, wav.SampleRate);
        Near(golden["raw"].ToSingles(), MelSpectrogram.Compute(wav.Samples), 1e-5);
    }

    [Fact]
    public void A_level_that_is_the_same_for_the_whole_file_changes_nothing()
    {
        var samples = WavFile.Read(SharedFile.Golden("reduced", "tone.wav")).Samples;
        var quieter = Array.ConvertAll(samples, sample => (float)(sample * Math.Pow(10, -4 / 20.0))); // sox's `gain -4`
        Near(MelSpectrogram.Compute(samples), MelSpectrogram.Compute(quieter), 1e-5);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(159, 1)]
    [InlineData(160, 2)]
    [InlineData(11680, 74)]
    public void There_is_a_frame_every_ten_milliseconds_and_one_more(int samples, int frames)
    {
        var decibels = MelSpectrogram.Compute(SmallWav.Tone(700, 16000, samples).Select(sample => (float)sample).ToArray());
        Assert.Equal(MelSpectrogram.Bands * frames, decibels.Length);
        Assert.All(decibels, value => Assert.InRange(value, -80, 0));
        Assert.Equal(0, decibels.Max());
    }

    [Fact]
    public void A_tone_is_loudest_in_its_own_band()
    {
        var decibels = MelSpectrogram.Compute(SmallWav.Tone(1000, 16000, 16000).Select(sample => (float)sample).ToArray());
        var frames = decibels.Length / MelSpectrogram.Bands;
        var middle = Enumerable.Range(0, MelSpectrogram.Bands).Select(band => decibels[(band * frames) + (frames / 2)]).ToArray();
        var filters = MelSpectrogram.Filters();
        const int bin = 25; // 1000 Hz
        var expected = Enumerable.Range(0, MelSpectrogram.Bands).MaxBy(band => filters[(band * 201) + bin]);
        Assert.Equal(expected, Array.IndexOf(middle, middle.Max()));
    }

    [Fact]
    public void The_verb_writes_what_the_loader_reads_and_tells_what_it_did()
    {
        var golden = Npz.ReadAll(SharedFile.Golden("reduced", "mel.npz"))["raw"];
        var (result, notes) = (new StringWriter(), new StringWriter());
        Assert.Equal(ExitCodes.Done, MelVerb.Run(SharedFile.Golden("reduced", "tone.wav"), folder.File("a_spec.npz"), result, notes));
        using var reader = new NpzReader();
        var array = reader.Read(folder.File("a_spec.npz"), "arr_0");
        Assert.Equal(ArrayType.Float16, array.Type);
        Assert.Equal(golden.Shape, array.Shape);
        Near(golden.ToSingles(), array.ToSingles(), 1e-3); // half precision
        Assert.Contains("40 bands x 74 frames", result.ToString(), StringComparison.Ordinal);
        Assert.Empty(notes.ToString());
    }

    [Fact]
    public void Stereo_at_another_rate_is_converted_with_a_note_and_gives_nearly_the_same()
    {
        var tone = SmallWav.Tone(440, 16000, 16000).Zip(SmallWav.Tone(2500, 16000, 16000, 0.2), (a, b) => (float)(a + b)).ToArray();
        var other = SmallWav.Tone(440, 44100, 44100).Zip(SmallWav.Tone(2500, 44100, 44100, 0.2), (a, b) => a + b);
        File.WriteAllBytes(folder.File("stereo.wav"), SmallWav.Pcm16(44100, 2, other.SelectMany(sample => new[] { sample, sample })));
        var notes = new StringWriter();
        Assert.Equal(ExitCodes.Done, MelVerb.Run(folder.File("stereo.wav"), folder.File("b.npz"), new StringWriter(), notes));
        Assert.Contains("the mean of its 2 channels is used", notes.ToString(), StringComparison.Ordinal);
        Assert.Contains("resampled from 44100 to 16000 Hz", notes.ToString(), StringComparison.Ordinal);
        var (expected, actual) = (MelSpectrogram.Compute(tone), Npz.ReadAll(folder.File("b.npz"))["arr_0"].ToSingles());
        var frames = expected.Length / MelSpectrogram.Bands;
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            // The ends differ: nothing is known of the sound before and after.
            if (i % frames is > 10 and < 90 && expected[i] > -50) Assert.Equal(expected[i], actual[i], 0.1);
        }
    }

    [Fact]
    public void Silence_and_no_sound_at_all_are_told()
    {
        var notes = new StringWriter();
        File.WriteAllBytes(folder.File("silent.wav"), SmallWav.Pcm16(16000, 1, Enumerable.Repeat(0.0, 800)));
        File.WriteAllBytes(folder.File("empty.wav"), SmallWav.Pcm16(16000, 1, []));
        MelVerb.Run(folder.File("silent.wav"), folder.File("c.npz"), new StringWriter(), notes);
        MelVerb.Run(folder.File("empty.wav"), folder.File("d.npz"), new StringWriter(), notes);
        Assert.Contains("silent.wav: silence", notes.ToString(), StringComparison.Ordinal);
        Assert.Contains("empty.wav: there is no sample in it", notes.ToString(), StringComparison.Ordinal);
        Assert.All(Npz.ReadAll(folder.File("c.npz"))["arr_0"].ToSingles(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_refused_sound_leaves_nothing_and_names_in_the_wrong_order_are_noticed()
    {
        File.WriteAllText(folder.File("song.wav"), "no sound at all");
        Assert.Throws<Mcn.Web.Shared.UserError>(() => MelVerb.Run(folder.File("song.wav"), folder.File("e.npz"), new StringWriter(), new StringWriter()));
        var swapped = Assert.Throws<Mcn.Web.Shared.UserError>(() => MelVerb.Run(folder.File("e.npz"), folder.File("song.wav"), new StringWriter(), new StringWriter()));
        Assert.Equal(ExitCodes.Usage, swapped.ExitCode);
        Assert.Equal(["song.wav"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double limit)
    {
        Assert.Equal(expected.Length, actual.Length);
        var (difference, size) = (0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(expected[i] - actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        var distance = Math.Sqrt(difference / size);
        Assert.True(distance <= limit, FormattableString.Invariant($"relative L2 {distance:G3}, limit {limit:G3}"));
    }

    public void Dispose() => folder.Dispose();
}
