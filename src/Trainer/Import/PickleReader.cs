using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Reads pickles as data. Values: Dictionary&lt;object, object?&gt; (keys string, long, double, bool), List&lt;object?&gt;, object?[]
/// for tuples, string, long (BigInteger beyond 64 bits), double, bool, null, byte[], and <see cref="HostArray"/> for NumPy arrays and
/// torch tensors. Numbers are boxed (24 bytes each). Values may be shared as in Python, and a made-up file may even hold a list in
/// itself: follow only the shape that you expect. Everything wrong is a UserError with the offset; no code of the file is ever run.
/// </summary>
public static class PickleReader
{
    /// <summary>The whole pickle in a file.</summary>
    public static object? Read(string path, PickleLimits? limits = null)
    {
        using var stream = SequentialFile.Open(path);
        return Read(stream, path, limits);
    }

    /// <summary>One pickle from a seekable stream, from its position on; <paramref name="subject"/> names it in messages.</summary>
    public static object? Read(Stream stream, string subject, PickleLimits? limits = null) => Run(stream, subject, limits ?? PickleLimits.Default, null);

    /// <summary>One pickle in memory.</summary>
    public static object? Read(ReadOnlyMemory<byte> bytes, string subject, PickleLimits? limits = null)
    {
        using var stream = Memory(bytes);
        return Read(stream, subject, limits);
    }

    /// <summary>
    /// Hands over the items of a pickled dictionary one by one, in the order of the file, and keeps none of them: for captions of
    /// several GB. Lists are <see cref="PackedList"/>s. Up to 1000 items (one batch of the pickler) are in memory at a time. Lists and arrays that one item shares with an
    /// earlier one are refused, because the earlier one is gone; shared strings and numbers are fine.
    /// </summary>
    public static void ReadTopLevelDictionary(string path, Action<string, object?> item, PickleLimits? limits = null)
    {
        using var stream = SequentialFile.Open(path);
        ReadTopLevelDictionary(stream, path, item, limits);
    }

    /// <summary>The same from a seekable stream.</summary>
    public static void ReadTopLevelDictionary(Stream stream, string subject, Action<string, object?> item, PickleLimits? limits = null) =>
        Run(stream, subject, limits ?? PickleLimits.Default, item);

    static object? Run(Stream stream, string subject, PickleLimits limits, Action<string, object?>? item)
    {
        using var input = new PickleInput(stream, subject, limits);
        if (input.Length == 0) throw Refusal.At(subject, 0, "the file is empty", "a pickle");
        var construction = new PickleConstruction(subject, limits, PickleBudget.For(input.Length, limits), mayNest: true);
        return new PickleMachine(input, limits, construction, persistent: null, item).Run();
    }

    internal static MemoryStream Memory(ReadOnlyMemory<byte> bytes) => MemoryMarshal.TryGetArray(bytes, out var segment)
        ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
        : new MemoryStream(bytes.ToArray(), writable: false);
}
