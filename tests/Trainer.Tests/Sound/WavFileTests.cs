using System.Buffers.Binary;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Sound;

namespace Mcn.Web.Trainer.Tests.Sound;

public sealed class WavFileTests
{
    static readonly double[] Wanted = [0, 0.5, -0.5, 0.25, -1];

    [Theory]
    [InlineData(1, 8, false)]
    [InlineData(1, 16, false)]
    [InlineData(1, 24, false)]
    [InlineData(1, 32, false)]
    [InlineData(3, 32, false)]
    [InlineData(3, 64, false)]
    [InlineData(1, 16, true)]
    [InlineData(3, 32, true)]
    public void Every_usual_format_gives_the_same_samples(int code, int bits, bool extensible)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("a.wav"), Wav(code, bits, 1, 22050, Wanted, extensible));
        var wav = WavFile.Read(folder.File("a.wav"));
        Assert.Equal((22050, 1), (wav.SampleRate, wav.Channels));
        Assert.Equal(Wanted, wav.Samples.Select(sample => (double)sample));
    }

    [Fact]
    public void Channels_are_averaged()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("a.wav"), Wav(1, 16, 2, 16000, [0.5, 0, -0.5, -0.25]));
        Assert.Equal([0.25f, -0.375f], WavFile.Read(folder.File("a.wav")).Samples);
    }

    [Fact]
    public void Whatever_is_wrong_is_refused_with_file_and_offset()
    {
        var sound = Wav(1, 16, 1, 16000, Wanted);
        Refused("no RIFF/WAVE header", [.. "OggS"u8, .. sound[4..]]);
        Refused("a file of 5 bytes", sound[..5]);
        Refused("a chunk of 10 bytes", sound[..^2]); // torn
        Refused("0 channels", With(sound, 22, 0));
        Refused("format 85 with 16 bits", With(sound, 20, 85)); // MP3 in a .wav
        Refused("format 1 with 12 bits", With(sound, 34, 12));
        Refused("blocks of 7 bytes", With(sound, 32, 7));
        Refused("the file ends without sound", sound[..36]);
        Refused("a sample that is NaN", Wav(3, 32, 1, 16000, [0, double.NaN]));
    }

    [Fact]
    public void Mutilated_files_are_read_or_refused_and_never_take_more_than_the_file_is_worth()
    {
        using var folder = new TempFolder();
        var random = new Trainer.Data.CounterRandom(7, Trainer.Data.RandomPurpose.SampleSet);
        for (var i = 0; i < 500; i++)
        {
            var bytes = Wav(i % 2 == 0 ? 1 : 3, 32, 2, 16000, [.. Enumerable.Range(0, 200).Select(n => Math.Sin(n))]);
            for (var n = 0; n < 4; n++) bytes[random.Next(n < 2 ? 48 : bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(folder.File("a.wav"), bytes[..(1 + random.Next(bytes.Length))]);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                _ = WavFile.Read(folder.File("a.wav"));
            }
            catch (UserError error)
            {
                Assert.Contains("a.wav", error.Message, StringComparison.Ordinal);
            }

            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 4 << 20);
        }
    }

    static byte[] With(byte[] wav, int offset, short value)
    {
        var changed = wav.ToArray();
        BinaryPrimitives.WriteInt16LittleEndian(changed.AsSpan(offset), value);
        return changed;
    }

    static void Refused(string said, byte[] content)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("a.wav"), content);
        var message = Assert.Throws<UserError>(() => WavFile.Read(folder.File("a.wav"))).Message;
        Assert.Contains(said, message, StringComparison.Ordinal);
        Assert.Contains("a.wav", message, StringComparison.Ordinal);
    }

    /// <summary>A .wav file; channels lie next to each other in <paramref name="values"/>.</summary>
    internal static byte[] Wav(int code, int bits, int channels, int rate, double[] values, bool extensible = false)
    {
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        var bytes = values.Length * bits / 8;
        writer.Write("RIFF"u8);
        writer.Write((extensible ? 60 : 36) + bytes);
        writer.Write("WAVEfmt "u8);
        writer.Write(extensible ? 40 : 16);
        writer.Write((ushort)(extensible ? 0xFFFE : code));
        writer.Write((ushort)channels);
        writer.Write(rate);
        writer.Write(rate * channels * bits / 8);
        writer.Write((ushort)(channels * bits / 8));
        writer.Write((ushort)bits);
        if (extensible)
        {
            writer.Write((ushort)22);
            writer.Write((ushort)bits);
            writer.Write(0);
            writer.Write((ushort)code);
            writer.Write([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]);
        }

        writer.Write("data"u8);
        writer.Write(bytes);
        foreach (var value in values)
        {
            switch (code, bits)
            {
                case (3, 32): writer.Write((float)value); break;
                case (3, 64): writer.Write(value); break;
                case (_, 8): writer.Write((byte)(128 + (value * 128))); break;
                case (_, 16): writer.Write((short)(value * 32768)); break;
                case (_, 24): writer.Write(BitConverter.GetBytes((int)(value * 8388608)).AsSpan(0, 3)); break;
                default: writer.Write((int)Math.Min(int.MaxValue, value * 2147483648.0)); break;
            }
        }

        return memory.ToArray();
    }
}
