using System.Buffers.Binary;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Sound;
using static Mcn.Web.Trainer.Tests.Sound.SmallWav;

namespace Mcn.Web.Trainer.Tests.Sound;

public sealed class WavFileTests : IDisposable
{
    readonly TempFolder folder = new();

    [Theory]
    [InlineData(1, 8, false, new byte[] { 0, 128, 192 })]
    [InlineData(1, 16, false, new byte[] { 0, 0x80, 0, 0, 0, 0x40 })]
    [InlineData(1, 16, true, new byte[] { 0, 0x80, 0, 0, 0, 0x40 })]
    [InlineData(1, 24, false, new byte[] { 0, 0, 0x80, 0, 0, 0, 0, 0, 0x40 })]
    [InlineData(1, 24, true, new byte[] { 0, 0, 0x80, 0, 0, 0, 0, 0, 0x40 })]
    [InlineData(1, 32, false, new byte[] { 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x40 })]
    [InlineData(3, 32, false, new byte[] { 0, 0, 0x80, 0xBF, 0, 0, 0, 0, 0, 0, 0, 0x3F })]
    [InlineData(3, 64, true, new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0xBF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xE0, 0x3F })]
    public void Every_usual_way_of_writing_minus_one_zero_and_a_half_is_read(int code, int bits, bool extensible, byte[] samples)
    {
        var wav = Read(File(Chunk("fmt ", Format(code, 1, 22050, bits, extensible)), Chunk("LIST", [1, 2, 3]), Chunk("data", samples)));
        Assert.Equal([-1f, 0, 0.5f], wav.Samples);
        Assert.Equal((22050, 1), (wav.SampleRate, wav.Channels));
    }

    [Fact]
    public void Channels_are_averaged_over_the_pieces_of_a_long_file()
    {
        const int moments = 700_000; // 4 MB: several pieces, and a piece is no whole number of moments of 3 channels
        var samples = Enumerable.Range(0, moments).SelectMany(i => new[] { i % 100 / 100.0, 0, -0.25 });
        var wav = Read(Pcm16(48000, 3, samples));
        Assert.Equal(moments, wav.Samples.Length);
        Assert.Equal(3, wav.Channels);
        foreach (var i in new[] { 0, 1, 174_762, 174_763, 349_525, moments - 1 }) Assert.Equal(((i % 100 / 100.0) - 0.25) / 3, wav.Samples[i], 1e-4);
    }

    [Fact]
    public void A_size_that_the_writer_never_filled_in_means_to_the_end_of_the_file() =>
        Assert.Equal(2, Read(File(Chunk("fmt ", Format(1, 1, 16000, 16)), Chunk("data", [1, 0, 2, 0], uint.MaxValue))).Samples.Length);

    [Fact]
    public void A_file_without_a_sample_is_read_as_none() =>
        Assert.Empty(Read(File(Chunk("fmt ", Format(1, 1, 16000, 16)), Chunk("data", []))).Samples);

    [Theory]
    [InlineData("empty", "at byte 0: a file of 0 bytes")]
    [InlineData("mp3", "no RIFF/WAVE header")]
    [InlineData("no data", "ends without sound")]
    [InlineData("no format", "sound before its format")]
    [InlineData("law", "format 7 with 8 bits")]
    [InlineData("12 bits", "format 1 with 12 bits")]
    [InlineData("no channel", "0 channels")]
    [InlineData("rate", "4000000 samples a second")]
    [InlineData("cut", "a chunk of 400 bytes")]
    [InlineData("odd", "3 bytes of sound; expected a multiple of 2")]
    [InlineData("NaN", "NaN")]
    [InlineData("block", "blocks of 3 bytes")]
    [InlineData("short format", "a format chunk of 14 bytes")]
    [InlineData("subformat", "unknown sub-format")]
    public void A_file_that_is_wrong_is_refused_with_its_place(string fault, string message)
    {
        byte[] fmt = Chunk("fmt ", Format(1, 1, 16000, 16)), data = Chunk("data", [0, 0, 1, 0]);
        var subformat = Format(1, 1, 16000, 16, extensible: true);
        subformat[30] = 9;
        var block = Format(1, 1, 16000, 16);
        block[12] = 3;
        var bytes = fault switch
        {
            "empty" => [],
            "mp3" => [.. "ID3"u8, .. new byte[40]],
            "no data" => File(fmt),
            "no format" => File(data, fmt),
            "law" => File(Chunk("fmt ", Format(7, 1, 8000, 8)), data),
            "12 bits" => File(Chunk("fmt ", Format(1, 1, 16000, 12)), data),
            "no channel" => File(Chunk("fmt ", Format(1, 0, 16000, 16)), data),
            "rate" => File(Chunk("fmt ", Format(1, 1, 4_000_000, 16)), data),
            "cut" => File(fmt, Chunk("data", [0, 0], size: 400)),
            "odd" => File(fmt, Chunk("data", [0, 0, 1])),
            "NaN" => File(Chunk("fmt ", Format(3, 1, 16000, 32)), Chunk("data", BitConverter.GetBytes(float.NaN))),
            "block" => File(Chunk("fmt ", block), data),
            "short format" => File(Chunk("fmt ", new byte[14]), data),
            _ => File(Chunk("fmt ", subformat), data),
        };
        var error = Assert.Throws<UserError>(() => Read(bytes));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("sound.wav", error.Message, StringComparison.Ordinal);
        Assert.Contains("at byte", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_damaged_files_end_in_sound_or_in_an_error_never_in_a_crash()
    {
        var whole = File(Chunk("fmt ", Format(3, 2, 16000, 32, extensible: true)), Chunk("LIST", [1, 2, 3]), Chunk("data", new byte[800]));
        var random = new Trainer.Data.CounterRandom(1, Trainer.Data.RandomPurpose.ClipChoice);
        var refused = 0;
        for (var i = 0; i < 1000; i++)
        {
            var bytes = whole[..(i % 4 == 0 ? random.Next(whole.Length) : whole.Length)];
            for (var n = random.Next(6); n >= 0 && bytes.Length > 0; n--) bytes[random.Next(Math.Min(bytes.Length, 90))] = (byte)random.Next(256);
            if (i % 5 == 0 && bytes.Length > 80) BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(76), (uint)random.Next(int.MaxValue));
            try
            {
                Read(bytes);
            }
            catch (UserError)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 500, 1000);
    }

    WavFile Read(byte[] bytes)
    {
        System.IO.File.WriteAllBytes(folder.File("sound.wav"), bytes);
        return WavFile.Read(folder.File("sound.wav"));
    }

    public void Dispose() => folder.Dispose();
}
