using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>The three ways of reading a row give one result.</summary>
public sealed class FeaturePoolerTests
{
    const int Rows = 40;
    const int Width = 37; // no multiple of any vector

    static readonly Clip[] Clips = [new(0, 0, 0, 11), new(0, 0, 5, 17), new(0, 0, 39, 50), new(0, 0, 20, 20.5)];

    [Fact]
    public void Half_single_and_double_precision_of_the_same_numbers_pool_to_the_same_bits()
    {
        var halves = Halves();
        var expected = Pool(ArrayType.Float16, halves);
        Assert.Contains(expected, value => value > 0);
        Assert.Equal(expected, Pool(ArrayType.Float32, halves.Select(value => (float)value).ToArray()));
        Assert.Equal(expected, Pool(ArrayType.Float64, halves.Select(value => (double)value).ToArray()));
    }

    [Theory]
    [InlineData(ArrayType.Float16)]
    [InlineData(ArrayType.Float32)]
    [InlineData(ArrayType.Float64)]
    public void A_number_that_is_none_is_told_with_its_row(ArrayType type)
    {
        var halves = Halves();
        halves[(6 * Width) + 36] = Half.NaN;
        var error = Assert.Throws<UserError>(() => type switch
        {
            ArrayType.Float16 => Pool(type, halves),
            ArrayType.Float32 => Pool(type, halves.Select(value => (float)value).ToArray()),
            _ => Pool(type, halves.Select(value => (double)value).ToArray()),
        });
        Assert.Contains("row 6", error.Message, StringComparison.Ordinal);
    }

    static Half[] Halves()
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet, 5);
        return [.. Enumerable.Range(0, Rows * Width).Select(_ => (Half)random.NextBell())];
    }

    static float[] Pool<T>(ArrayType type, T[] values)
        where T : struct
    {
        var array = new HostArray(type, [Rows, Width], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        var pooled = new float[Clips.Length * Width];
        new FeaturePooler(new DataCounters()).Pool(array, "x.npz", 1, Clips, pooled, Width, 0, new bool[Clips.Length]);
        return pooled;
    }
}
