using System.Numerics.Tensors;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

public sealed class EightBitTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(128)]
    [InlineData(2048)]
    public void The_maximum_over_rows_is_that_of_their_expansions_to_the_last_bit(int width)
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet, width);
        var (expected, actual, row) = (new float[width], new float[width], new float[width]);
        expected.AsSpan().Fill(float.NegativeInfinity);
        actual.AsSpan().Fill(float.NegativeInfinity);
        for (var number = 0; number < 9; number++)
        {
            var bytes = Enumerable.Range(0, width).Select(_ => (byte)random.Next(256)).ToArray();
            var (scale, offset) = ((float)random.NextDouble() * 1e-3f, (float)random.NextBell());
            EightBit.Expand(bytes, scale, offset, row);
            TensorPrimitives.Max<float>(expected, row, expected);
            Assert.True(EightBit.AddMaximum(bytes, scale, offset, actual));
            Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));
        }
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(1, float.PositiveInfinity)]
    [InlineData(float.MaxValue, 0)]
    public void A_row_whose_range_is_not_finite_is_told(float scale, float offset) => Assert.False(EightBit.AddMaximum(new byte[40], scale, offset, new float[40]));

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
