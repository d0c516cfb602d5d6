using System.Buffers.Binary;

namespace Mcn.Web.Trainer.Tests.Sound;

/// <summary>.wav files in memory, as other programs write them.</summary>
static class SmallWav
{
    public static byte[] Chunk(string name, byte[] content, uint? size = null)
    {
        var bytes = new byte[8 + content.Length + (content.Length & 1)];
        System.Text.Encoding.ASCII.GetBytes(name, bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), size ?? (uint)content.Length);
        content.CopyTo(bytes, 8);
        return bytes;
    }

    public static byte[] Format(int code, int channels, int rate, int bits, bool extensible = false)
    {
        var bytes = new byte[extensible ? 40 : 16];
        void Word(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)value);
        Word(0, extensible ? 0xFFFE : code);
        Word(2, channels);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), rate);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), rate * channels * bits / 8);
        Word(12, channels * bits / 8);
        Word(14, bits);
        if (!extensible) return bytes;
        Word(16, 22);
        Word(18, bits);
        Word(24, code);
        byte[] tail = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
        tail.CopyTo(bytes, 26);
        return bytes;
    }

    public static byte[] File(params byte[][] chunks)
    {
        byte[] body = [.. "WAVE"u8, .. chunks.SelectMany(chunk => chunk)];
        return Chunk("RIFF", body);
    }

    /// <summary>16-bit PCM.</summary>
    public static byte[] Pcm16(int rate, int channels, IEnumerable<double> samples) => File(
        Chunk("fmt ", Format(1, channels, rate, 16)),
        Chunk("data", [.. samples.SelectMany(sample => BitConverter.GetBytes((short)Math.Round(sample * 32767)))]));

    public static IEnumerable<double> Tone(double hertz, int rate, int count, double height = 0.5) =>
        Enumerable.Range(0, count).Select(i => height * Math.Sin(2 * Math.PI * hertz * i / rate));
}
