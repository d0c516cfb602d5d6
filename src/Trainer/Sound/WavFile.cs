using System.Buffers.Binary;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Sound;

/// <summary>
/// Sound from a .wav file: PCM of 8, 16, 24 or 32 bits or floating point of 32 or 64, also with the extensible header. Read in pieces of
/// a megabyte; every size is checked against the file before anything is allocated.
/// </summary>
/// <param name="Samples">The mean of all channels, from -1 to 1.</param>
/// <param name="SampleRate">Samples a second.</param>
/// <param name="Channels">Channels in the file.</param>
public sealed record WavFile(float[] Samples, int SampleRate, int Channels)
{
    const int PieceBytes = 1 << 20;
    const int RiffHeader = 12;
    const int ChunkHeader = 8;

    /// <summary>What a program writes that cannot go back to fill in the size: the sound goes to the end of the file.</summary>
    const uint Unknown = uint.MaxValue;

    public static WavFile Read(string path)
    {
        using var file = new FileWindow(wholeFileBytes: 0);
        file.Open(path);
        if (file.Length < RiffHeader) throw Refusal.At(path, 0, $"a file of {file.Length} bytes", "a .wav file");
        var header = file.Bytes(0, RiffHeader).Span;
        if (!header.StartsWith("RIFF"u8) || !header[8..].SequenceEqual("WAVE"u8))
            throw Refusal.At(path, 0, "no RIFF/WAVE header", "a .wav file", "Convert it to .wav (ffmpeg -i IN OUT.wav)");
        WavFormat? format = null;
        for (long at = RiffHeader; at <= file.Length - ChunkHeader;)
        {
            var chunk = file.Bytes(at, ChunkHeader).Span;
            var size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            var (isFormat, isData) = (chunk.StartsWith("fmt "u8), chunk.StartsWith("data"u8));
            at += ChunkHeader;
            var bytes = isData && size == Unknown ? file.Length - at : size;
            if (bytes > file.Length - at) throw Refusal.At(path, at - 4, $"a chunk of {bytes} bytes", $"at most the {file.Length - at} that follow");
            if (isFormat) format = WavFormat.Parse(file.Bytes(at, Math.Min(bytes, 64)).Span, path, at);
            if (isData)
            {
                if (format is null) throw Refusal.At(path, at, "sound before its format", "a `fmt ` chunk first");
                return new WavFile(Mono(file, at, bytes, format), format.SampleRate, format.Channels);
            }

            at += bytes + (bytes & 1); // chunks begin at even places
        }

        throw Refusal.At(path, file.Length, "the file ends without sound", "a `data` chunk");
    }

    static float[] Mono(FileWindow file, long at, long bytes, WavFormat format)
    {
        var (block, width) = (format.BlockBytes, format.BytesPerSample);
        if (bytes % block != 0) throw Refusal.At(file.Path, at, $"{bytes} bytes of sound", $"a multiple of {block}");
        if (bytes / block > Array.MaxLength / 2) throw Refusal.At(file.Path, at, $"{bytes / block} samples", $"at most {Array.MaxLength / 2}", "Cut the file into parts");
        var samples = new float[bytes / block];
        var done = 0;
        while (done < samples.Length)
        {
            var count = Math.Min(samples.Length - done, PieceBytes / block);
            var piece = file.Bytes(at + ((long)done * block), (long)count * block).Span;
            for (var i = 0; i < count; i++)
            {
                var sum = 0.0;
                for (var channel = 0; channel < format.Channels; channel++) sum += format.Sample(piece[((i * block) + (channel * width))..]);
                samples[done + i] = (float)(sum / format.Channels);
                if (!float.IsFinite(samples[done + i]))
                    throw Refusal.At(file.Path, at + ((long)(done + i) * block), "a sample that is NaN, infinite or too large", "finite samples");
            }

            done += count;
        }

        return samples;
    }
}
