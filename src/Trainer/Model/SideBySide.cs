using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Maps of shape (n, c, t) in single precision on the CPU that have a frame's channels side by side in memory, and what is done with them
/// here rather than by libtorch: sums over the positions of each channel, which libtorch makes in single precision or in several passes, and
/// the way back through ReLU, for which it takes another map.
/// </summary>
static class SideBySide
{
    /// <summary>TorchSharp gives out the memory of a tensor up to 2 GiB.</summary>
    const long MostBytes = 1L << 30;

    delegate void Work(Span<float> a, ReadOnlySpan<float> b);

    public static bool Holds(Tensor map) => map is { device_type: DeviceType.CPU, dtype: ScalarType.Float32 } && map.transpose(1, 2).is_contiguous();

    /// <summary>(n, c, t) as (n·t, c): a view.</summary>
    public static Tensor Rows(Tensor map) => map.transpose(1, 2).view(-1, map.shape[1]);

    /// <summary>(n·t, c) as (n, c, t): a view.</summary>
    public static Tensor Map(Tensor rows, long clips) => rows.view(clips, -1, rows.shape[1]).transpose(1, 2);

    /// <summary>Σ a and Σ a·b over the positions of each channel, added up in double precision.</summary>
    /// <param name="b">May be <paramref name="a"/>.</param>
    public static (double[] Sums, double[] Products) Moments(Tensor a, Tensor b)
    {
        var (sums, products) = (new double[a.shape[1]], new double[a.shape[1]]);
        Each(a, b, (some, others) => AddMoments(some, others, sums, products));
        return (sums, products);
    }

    /// <summary>The gradient where the ReLU let its input through, and else zero; in place.</summary>
    /// <param name="output">Of the ReLU.</param>
    public static void Unrectify(Tensor gradient, Tensor output) => Each(gradient, output, Unrectify);

    static void Each(Tensor a, Tensor b, Work work)
    {
        using var scope = NewDisposeScope();
        var (rows, others) = (a.transpose(1, 2), b.transpose(1, 2));
        var clips = Math.Max(1, MostBytes / (a.shape[1] * a.shape[2] * sizeof(float)));
        for (var first = 0L; first < a.shape[0]; first += clips)
        {
            var count = Math.Min(clips, a.shape[0] - first);
            work(MemoryMarshal.Cast<byte, float>(rows.narrow(0, first, count).bytes), MemoryMarshal.Cast<byte, float>(others.narrow(0, first, count).bytes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // few calls of many iterations: nothing would be learnt by waiting
    static void Unrectify(Span<float> gradient, ReadOnlySpan<float> output)
    {
        var place = 0;
        for (; place <= gradient.Length - Vector256<float>.Count; place += Vector256<float>.Count)
        {
            var passed = Vector256.GreaterThan(Vector256.Create(output[place..]), Vector256<float>.Zero);
            (Vector256.Create<float>(gradient[place..]) & passed).CopyTo(gradient[place..]);
        }

        for (; place < gradient.Length; place++) gradient[place] = output[place] > 0 ? gradient[place] : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void AddMoments(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<double> sums, Span<double> products)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(b.Length, a.Length);
        var channels = sums.Length;
        ref var firstA = ref MemoryMarshal.GetReference(a);
        ref var firstB = ref MemoryMarshal.GetReference(b);
        var channel = 0;
        for (; channel <= channels - Vector256<float>.Count; channel += Vector256<float>.Count)
        {
            Vector256<double> lowSum = default, highSum = default, lowProduct = default, highProduct = default;
            for (var place = channel; place < a.Length; place += channels)
            {
                var (lowA, highA) = Vector256.Widen(Vector256.LoadUnsafe(ref firstA, (nuint)place));
                var (lowB, highB) = Vector256.Widen(Vector256.LoadUnsafe(ref firstB, (nuint)place));
                lowSum += lowA;
                highSum += highA;
                lowProduct = Vector256.FusedMultiplyAdd(lowA, lowB, lowProduct);
                highProduct = Vector256.FusedMultiplyAdd(highA, highB, highProduct);
            }

            for (var i = 0; i < Vector256<double>.Count; i++)
            {
                sums[channel + i] += lowSum[i];
                sums[channel + Vector256<double>.Count + i] += highSum[i];
                products[channel + i] += lowProduct[i];
                products[channel + Vector256<double>.Count + i] += highProduct[i];
            }
        }

        for (; channel < channels; channel++)
        {
            for (var place = channel; place < a.Length; place += channels)
            {
                sums[channel] += a[place];
                products[channel] += (double)a[place] * b[place];
            }
        }
    }
}
