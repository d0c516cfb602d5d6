using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;

namespace Mcn.Web.Trainer.Training;

/// <summary>What named arrays lack, have too much of, or have in another shape or type, compared with a network of given sizes.</summary>
/// <param name="Missing">The network has them, the arrays do not. Entries that are never applied may be missing.</param>
/// <param name="Unexpected">The arrays have them, the network does not.</param>
/// <param name="Different">Same name, other shape or type: `name (found) instead of (expected)`.</param>
/// <param name="Fitting">The names that fit.</param>
public sealed record WeightDifferences(
    IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<string> Different, IReadOnlyList<string> Fitting)
{
    public bool AreNone => Missing.Count + Unexpected.Count + Different.Count == 0;

    public static WeightDifferences Between(IReadOnlyDictionary<string, HostArray> arrays, ModelConfig sizes)
    {
        var layout = NetworkLayout.Of(sizes);
        var (missing, different, fitting) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var (name, shape) in layout)
        {
            if (!arrays.TryGetValue(name, out var array))
            {
                if (!NetworkLayout.IsNeverApplied(name)) missing.Add(name);
            }
            else if (Fits(name, array, shape))
            {
                fitting.Add(name);
            }
            else
            {
                different.Add($"{name} {Show(array)} instead of {(NetworkLayout.IsCounter(name) ? "a whole number " : "")}{Show(shape)}");
            }
        }

        var known = layout.Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        return new(missing, [.. arrays.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal)], different, fitting);
    }

    /// <summary>All of it on one line, in groups.</summary>
    public override string ToString() => string.Join("; ", new[] { Group(Missing, "missing"), Group(Unexpected, "unexpected"), Group(Different, "of another shape") }.Where(text => text.Length > 0));

    static string Group(IReadOnlyList<string> names, string what) => names.Count == 0 ? "" : $"{names.Count} {what}: {string.Join(", ", names)}";

    static bool Fits(string name, HostArray array, long[] shape)
    {
        var type = NetworkLayout.IsCounter(name) ? array.Type is ArrayType.Int64 or ArrayType.Int32 : array.IsFloat;
        if (!type) return false;
        if (array.Shape.AsSpan().SequenceEqual(shape)) return true;
        // Convolutions over time may have been saved as 1-d ones (height axis dropped), and counters as one-element arrays: the same
        // elements in the same order. A linear layer's axes must be there as they are.
        return shape.Length is 0 or 4 && array.Shape.Where(size => size != 1).SequenceEqual(shape.Where(size => size != 1));
    }

    static string Show(HostArray array) => array.IsFloat ? Show(array.Shape) : $"{array.Type} {Show(array.Shape)}";

    static string Show(long[] shape) => $"({string.Join(", ", shape)})";
}
