using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

public sealed class SpectrogramTurnerTests
{
    [Theory]
    [InlineData(40)]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(1)]
    public void Frames_become_columns_whatever_their_number_and_nothing_else_is_written(int bands)
    {
        var (scale, offset) = EightBit.Decibels;
        for (var count = 0; count < 40; count++)
        {
            var codes = Enumerable.Range(0, count * bands).Select(i => (byte)((i * 37) + count)).ToArray();
            var halves = codes.Select(code => (Half)(offset + (scale * code))).ToArray();
            var limit = count + 3;
            var expected = Enumerable.Repeat(Half.One, bands * limit).ToArray();
            for (var i = 0; i < halves.Length; i++) expected[(i % bands * limit) + (i / bands)] = halves[i];
            Assert.Equal(expected, Turn(ArrayType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()), count, bands, limit));
            Assert.Equal(expected, Turn(ArrayType.Float32, MemoryMarshal.AsBytes(halves.Select(half => (float)half).ToArray().AsSpan()), count, bands, limit));
            Assert.Equal(expected, Turn(ArrayType.UInt8, codes, count, bands, limit));
        }
    }

    [Theory]
    [InlineData(5, 3)]
    [InlineData(21, 13)] // neither is a whole number of blocks
    public void A_value_that_is_not_finite_is_refused_wherever_it_is(int count, int bands)
    {
        foreach (var bad in new[] { Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity })
        {
            for (var place = 0; place < count * bands; place++)
            {
                var halves = new Half[count * bands];
                halves[place] = bad;
                var error = Assert.Throws<UserError>(() => Turn(ArrayType.Float16, MemoryMarshal.AsBytes(halves.AsSpan()), count, bands, count));
                Assert.Contains("x.tar", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_record_with_other_scales_has_its_own_values()
    {
        var turner = new SpectrogramTurner((Half)0);
        var turned = new Half[4];
        foreach (var (scale, offset) in new[] { EightBit.Decibels, (0.5f, 1f), (0f, 3f) })
        {
            turner.Begin(scale, offset);
            turner.Turn(ArrayType.UInt8, [0, 1, 2, 255], "x.tar", new FrameSlice(0, 4), 1, 4, turned);
            Assert.Equal(new[] { 0, 1, 2, 255 }.Select(code => (Half)(offset + (scale * code))), turned);
        }
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(1000, 0)] // 255 steps are beyond half precision
    [InlineData(0, float.NegativeInfinity)]
    public void A_range_that_half_precision_does_not_hold_is_refused(float scale, float offset)
    {
        var turner = new SpectrogramTurner((Half)0);
        turner.Begin(scale, offset);
        for (var again = 0; again < 2; again++)
        {
            var error = Assert.Throws<UserError>(() => turner.Turn(ArrayType.UInt8, [0, 255], "x.tar", new FrameSlice(7, 2), 1, 2, new Half[2]));
            Assert.Contains("x.tar", error.Message, StringComparison.Ordinal);
        }
    }

    static Half[] Turn(ArrayType type, ReadOnlySpan<byte> bytes, int count, int bands, int limit)
    {
        var turner = new SpectrogramTurner((Half)0);
        var (scale, offset) = EightBit.Decibels;
        turner.Begin(scale, offset);
        var destination = Enumerable.Repeat(Half.One, bands * limit).ToArray();
        turner.Turn(type, bytes, "x.tar", new FrameSlice(0, count), bands, limit, destination);
        return destination;
    }
}
