using System.CommandLine;
using System.Runtime.InteropServices;
using Mcn.Web.Trainer.Audio;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data mel`: sound to the original's spectrogram, so that people can add their own videos.</summary>
static class MelVerb
{
    static readonly Argument<string> Input = new("IN.wav") { Description = "Sound: PCM of 8, 16, 24 or 32 bits or floating point, any rate and channels" };
    static readonly Argument<string> Output = new("OUT.npz") { Description = "Spectrogram (40, frames) in half precision under arr_0, as the loader expects ID_spec.npz" };

    public static Command Command()
    {
        var command = new Command("mel", "Computes the original's spectrogram of a .wav file") { Input, Output };
        command.SetAction(arguments => Run(arguments.GetRequiredValue(Input), arguments.GetRequiredValue(Output), Console.Out, Console.Error));
        return command;
    }

    internal static int Run(string input, string output, TextWriter result, TextWriter notes)
    {
        var wav = WavFile.Read(input);
        if (wav.Channels > 1) notes.WriteLine($"note: {input}: {wav.Channels} channels averaged to one");
        var samples = wav.Samples;
        if (wav.SampleRate != MelSpectrogram.SampleRate)
        {
            notes.WriteLine($"note: {input}: resampled from {wav.SampleRate} to {MelSpectrogram.SampleRate} Hz by our own filter (windowed sinc); the original used sox, "
                + "so small differences remain. For equal numbers resample with sox first");
            samples = Resampler.Resample(samples, wav.SampleRate, MelSpectrogram.SampleRate);
        }

        if (samples.Length == 0) notes.WriteLine($"note: {input}: no sample in it; 200 zeros are used, as in the original");
        var decibels = MelSpectrogram.Compute(samples);
        var frames = decibels.Length / MelSpectrogram.Bands;
        var halves = Array.ConvertAll(decibels, value => (Half)value);
        Npz.Write(output, [("arr_0", new HostArray(ArrayType.Float16, [MelSpectrogram.Bands, frames], MemoryMarshal.AsBytes(halves.AsSpan()).ToArray()))], compress: true);
        result.WriteLine(FormattableString.Invariant($"{output}: {MelSpectrogram.Bands} bands x {frames} frames of 10 ms ({samples.Length / (double)MelSpectrogram.SampleRate:F2} s), ")
            + FormattableString.Invariant($"{decibels.Min():F1} to {decibels.Max():F1} dB, mean {decibels.Average():F1}"));
        return ExitCodes.Done;
    }
}
