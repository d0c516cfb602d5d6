using System.Numerics.Tensors;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class HalfMaximumTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(33)]
    [InlineData(2048)]
    public void It_is_the_maximum_of_the_singles_to_the_last_bit(int width)
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet, width);
        // Every finite half may come: tiny, huge, negative, and both zeros.
        var rows = Enumerable.Range(0, 9).Select(_ => Enumerable.Range(0, width).Select(_ => Finite(random)).ToArray()).ToArray();
        (rows[0][0], rows[1][0]) = (Half.NegativeZero, (Half)0);
        for (var row = 2; row < rows.Length; row++) rows[row][0] = (Half)(-1);

        var expected = new float[width];
        TensorPrimitives.ConvertToSingle(rows[0], expected);
        var next = new float[width];
        foreach (var row in rows[1..])
        {
            TensorPrimitives.ConvertToSingle(row, next);
            TensorPrimitives.Max(expected, next, expected);
        }

        var (maximum, actual) = (new short[width], new float[width]);
        HalfMaximum.Begin(maximum);
        Assert.True(HalfMaximum.Add(rows[0], maximum)); // one row, then all the others at one time
        Assert.True(HalfMaximum.Add(rows[1..].SelectMany(row => row).ToArray(), maximum));
        HalfMaximum.Finish(maximum, actual);
        Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void NaN_and_infinity_are_told_wherever_they_stand()
    {
        foreach (var bad in new[] { Half.NaN, Half.PositiveInfinity, Half.NegativeInfinity })
        {
            for (var place = 0; place < 133; place++)
            {
                var row = Enumerable.Repeat((Half)1, 133).ToArray();
                Assert.True(HalfMaximum.Add(row, new short[133]));
                row[place] = bad;
                Assert.False(HalfMaximum.Add(row, new short[133]));
            }
        }
    }

    static Half Finite(CounterRandom random)
    {
        while (true)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)random.Next(1 << 16));
            if (Half.IsFinite(half)) return half;
        }
    }
}
