using System.Runtime.CompilerServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>What a stream of random numbers is for; each purpose has streams of its own. Values are frozen: they enter the key.</summary>
public enum RandomPurpose
{
    VideoOrder = 1,
    ClipChoice = 2,
    Initialisation = 3,
    KMeans = 4,
    Bootstrap = 5,
    SampleSet = 6,
    Replacement = 7,
    ShardOrder = 8,
    WindowShards = 9,
    WindowOrder = 10,
}

/// <summary>
/// Random numbers that are a pure function of (seed, purpose, a, b, position): no state to save in a checkpoint, no order of
/// threads that could change them, the same on every platform. The i-th number of a key is SplitMix64's finaliser over
/// key + i x gamma (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; multipliers: variant 13 of
/// Stafford's "Better bit mixing"). An instance is a cursor over one stream and belongs to one thread.
/// </summary>
public sealed class CounterRandom
{
    const ulong Gamma = 0x9E3779B97F4A7C15;

    readonly ulong key;
    ulong position;

    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers decide.</param>
    /// <param name="a">First coordinate, such as the epoch.</param>
    /// <param name="b">Second coordinate, such as the video's index.</param>
    public CounterRandom(long seed, RandomPurpose purpose, long a = 0, long b = 0)
    {
        // Each part is mixed before the next is added, so that (1, 2) and (2, 1) are unrelated keys.
        key = Mix((ulong)seed + Gamma);
        key = Mix(key ^ (ulong)purpose);
        key = Mix((key + Gamma) ^ (ulong)a);
        key = Mix((key + Gamma) ^ (ulong)b);
    }

    /// <summary>Number <paramref name="index"/> of the stream, whatever was drawn before.</summary>
    public ulong At(ulong index) => Mix(key + ((index + 1) * Gamma));

    public ulong NextUInt64() => At(position++);

    /// <summary>Uniform in 0 .. bound-1 without modulo bias (Lemire, "Fast random integer generation in an interval", 2019).</summary>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        var range = (ulong)bound;
        var high = Math.BigMul(NextUInt64(), range, out var low);
        if (low >= range) return (int)high;
        for (var threshold = (0 - range) % range; low < threshold;) high = Math.BigMul(NextUInt64(), range, out low);
        return (int)high;
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>
    /// Nearly normal, mean 0, variance 1, within +-3.47: the sum of four 16-bit numbers cut from one. Made of sums and products alone,
    /// so it is the same on every platform, which a logarithm or cosine of the C library is not.
    /// </summary>
    public double NextBell()
    {
        var bits = NextUInt64();
        var sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (sum - 131070) * (1 / 37837.227); // mean 4 x 32767.5, deviation 65536 / sqrt(3)
    }

    /// <summary>Uniform in [low, high).</summary>
    public double Between(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>A uniform permutation of 0 .. count-1 (Fisher-Yates).</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++) order[i] = i;
        for (var i = count - 1; i > 0; i--)
        {
            var other = Next(i + 1);
            (order[i], order[other]) = (order[other], order[i]);
        }

        return order;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
