using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

public sealed class EightBitTests
{
    [Fact]
    public void Halves_are_the_rounded_values_whatever_the_length()
    {
        var (scale, offset) = EightBit.Decibels;
        for (var length = 0; length < 300; length++)
        {
            var bytes = Enumerable.Range(0, length).Select(i => (byte)(i * 7 + length)).ToArray();
            var halves = new Half[length + 1];
            halves[length] = Half.One;
            EightBit.Expand(bytes, scale, offset, halves.AsSpan());
            Assert.Equal(bytes.Select(value => (Half)(offset + (scale * value))), halves[..length]);
            Assert.Equal(Half.One, halves[length]); // nothing is written behind the end
        }
    }

    [Fact]
    public void A_row_comes_back_within_half_a_step_with_its_ends_exact()
    {
        var row = Enumerable.Range(0, 1000).Select(i => MathF.Sin(i) * 3).ToArray();
        var (scale, offset) = EightBit.RangeOf(row);
        var (bytes, back) = (new byte[row.Length], new float[row.Length]);
        EightBit.Quantise(row, scale, offset, bytes);
        EightBit.Expand(bytes, scale, offset, back.AsSpan());
        Assert.All(row.Zip(back), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, (scale / 2) + 1e-6f));
        Assert.Equal(row.Min(), back.Min());
    }
}
