using System.Buffers.Binary;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Sound;

/// <summary>The `fmt ` chunk of a .wav file: how its samples are written.</summary>
/// <param name="IsFloat">IEEE numbers; otherwise integers.</param>
/// <param name="Bits">Of one sample: 8 (unsigned), 16, 24, 32, or 64 for floating point.</param>
internal sealed record WavFormat(bool IsFloat, int Channels, int SampleRate, int Bits)
{
    const int Pcm = 1;
    const int Ieee = 3;
    const int Extensible = 0xFFFE;
    const int MostChannels = 64;
    const string Remedy = "Convert it to 16-bit PCM (ffmpeg -i IN -acodec pcm_s16le OUT.wav)";

    /// <summary>The rest of a sub-format's identity after the two bytes of the usual code.</summary>
    static ReadOnlySpan<byte> SubformatTail => [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

    public int BytesPerSample => Bits / 8;

    /// <summary>All channels of one moment.</summary>
    public int BlockBytes => Channels * BytesPerSample;

    /// <param name="chunk">Contents of the chunk.</param>
    /// <param name="at">Where they begin in the file, for messages.</param>
    public static WavFormat Parse(ReadOnlySpan<byte> chunk, string path, long at)
    {
        if (chunk.Length < 16) throw Refusal.At(path, at, $"a format chunk of {chunk.Length} bytes", "16, 18 or 40");
        int Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[offset..]);
        var (code, channels, bits) = (Word(chunk, 0), Word(chunk, 2), Word(chunk, 14));
        if (code == Extensible)
        {
            if (chunk.Length < 40) throw Refusal.At(path, at, $"an extensible format chunk of {chunk.Length} bytes", "40");
            if (!chunk[26..40].SequenceEqual(SubformatTail)) throw Refusal.At(path, at + 24, "an unknown sub-format", "PCM or floating point", Remedy);
            code = Word(chunk, 24);
        }

        var known = code switch { Pcm => bits is 8 or 16 or 24 or 32, Ieee => bits is 32 or 64, _ => false };
        if (!known) throw Refusal.At(path, at, $"format {code} with {bits} bits", "PCM of 8, 16, 24 or 32 bits, or floating point of 32 or 64", Remedy);
        if (channels is < 1 or > MostChannels) throw Refusal.At(path, at + 2, $"{channels} channels", $"1 to {MostChannels}", Remedy);
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
        if (rate is < Resampler.LeastRate or > Resampler.MostRate)
            throw Refusal.At(path, at + 4, $"{rate} samples a second", $"{Resampler.LeastRate} to {Resampler.MostRate}", "Convert it to 16,000 (ffmpeg -i IN -ar 16000 OUT.wav)");
        var format = new WavFormat(code == Ieee, channels, (int)rate, bits);
        if (Word(chunk, 12) != format.BlockBytes) throw Refusal.At(path, at + 12, $"blocks of {Word(chunk, 12)} bytes", $"{format.BlockBytes} for {channels} x {bits} bits");
        return format;
    }

    /// <summary>One sample, from -1 to 1 (floating point may exceed it).</summary>
    public double Sample(ReadOnlySpan<byte> bytes) => (IsFloat, Bits) switch
    {
        (true, 32) => BinaryPrimitives.ReadSingleLittleEndian(bytes),
        (true, _) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        (_, 8) => (bytes[0] - 128) / 128.0,
        (_, 16) => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768.0,
        (_, 24) => ((bytes[0] << 8) | (bytes[1] << 16) | (bytes[2] << 24)) / 2147483648.0,
        _ => BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648.0,
    };
}
