using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Sound;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`data mel`: sound to the original's spectrogram, so that people can add their own videos.</summary>
static class MelVerb
{
    static readonly Argument<string> Input = new("IN.wav") { Description = "Sound: PCM of 8, 16, 24 or 32 bits or floating point, any number of channels, 4,000 to 192,000 Hz" };
    static readonly Argument<string> Output = new("OUT.npz") { Description = "Spectrogram (40, frames) in half precision under arr_0, as the loader wants it in ID_spec.npz" };

    public static Command Command()
    {
        var command = new Command("mel", "Computes the original's spectrogram of a .wav file") { Input, Output };
        command.SetAction(arguments => Run(arguments.GetRequiredValue(Input), arguments.GetRequiredValue(Output), Console.Out, Console.Error));
        return command;
    }

    internal static int Run(string input, string output, TextWriter result, TextWriter notes)
    {
        if (!output.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            throw new UserError(output, "not the name of an .npz file", "ID_spec.npz", "Give first the sound, then where the spectrogram goes", ExitCodes.Usage);
        var wav = WavFile.Read(input);
        if (wav.Channels > 1) notes.WriteLine(Text($"note: {input}: the mean of its {wav.Channels} channels is used"));
        var samples = wav.Samples;
        if (wav.SampleRate != MelSpectrogram.SampleRate)
        {
            notes.WriteLine(Text($"note: {input}: resampled from {wav.SampleRate} to {MelSpectrogram.SampleRate} Hz; the original used sox, whose filter is another one. ")
                + (wav.SampleRate < MelSpectrogram.SampleRate ? Text($"Bands above {wav.SampleRate / 2} Hz are silent") : "For its very numbers resample with sox first"));
            samples = Resampler.Resample(samples, wav.SampleRate, MelSpectrogram.SampleRate);
        }

        if (samples.Length == 0) notes.WriteLine($"note: {input}: there is no sample in it; 200 zeros stand for it, as in the original");
        else if (samples.All(sample => sample == samples[0])) notes.WriteLine($"note: {input}: silence; every value is 0 dB, the loudest there is");
        var decibels = MelSpectrogram.Compute(samples);
        var frames = decibels.Length / MelSpectrogram.Bands;
        var halves = Array.ConvertAll(decibels, value => (Half)value);
        Npz.Write(output, [("arr_0", new HostArray(ArrayType.Float16, [MelSpectrogram.Bands, frames], MemoryMarshal.AsBytes(halves.AsSpan()).ToArray()))], compress: true);
        result.WriteLine(Text($"{output}: {MelSpectrogram.Bands} bands x {frames} frames of 10 ms ({samples.Length / (double)MelSpectrogram.SampleRate:F2} s), ")
            + Text($"{decibels.Min():F1} to {decibels.Max():F1} dB, mean {decibels.Average():F1}"));
        return ExitCodes.Done;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
