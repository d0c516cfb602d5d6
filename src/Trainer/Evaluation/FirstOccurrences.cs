using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Which inputs of a gallery are the same as an earlier one: equal captions, or silence. They must tie exactly, but the last bits of an
/// embedding and of a product depend on their place in the batch and in the matrix. So the first one stands for all, and a table does
/// not depend on the batch size.
/// </summary>
public sealed class FirstOccurrences
{
    readonly Dictionary<UInt128, int> seen = [];
    readonly List<int> first = [];

    /// <summary>Some input came twice.</summary>
    public bool Any => seen.Count < first.Count;

    /// <param name="length">Valid frames, where the network is told.</param>
    public void Add<T>(ReadOnlySpan<T> input, int length = 0)
        where T : struct
    {
        var hash = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(input), length);
        if (!seen.TryGetValue(hash, out var earlier)) seen[hash] = earlier = first.Count;
        first.Add(earlier);
    }

    /// <summary>Inputs that are the same in both.</summary>
    public static FirstOccurrences Both(FirstOccurrences a, FirstOccurrences b)
    {
        var both = new FirstOccurrences();
        foreach (var (x, y) in a.first.Zip(b.first)) both.Add<int>([x, y]);
        return both;
    }

    /// <summary>The inputs that came first, and for each input its place among them.</summary>
    public (long[] Distinct, long[] Place) Split()
    {
        var distinct = Enumerable.Range(0, first.Count).Where(i => first[i] == i).Select(i => (long)i).ToArray();
        return (distinct, [.. first.Select(i => (long)Array.BinarySearch(distinct, i))]);
    }
}
