using System.Collections;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// A Python list of a streamed pickle. As long as all its elements are floats, or all are texts, they lie side by side without an object
/// each, texts in UTF-8 as the file has them; whatever else comes makes it a list of objects.
/// </summary>
public sealed class PackedList : IReadOnlyList<object?>
{
    double[]? _numbers;
    byte[]? _texts;
    int[]? _textEnds;
    List<object?>? _objects;

    public int Count { get; private set; }

    /// <summary>The elements when all are floats, else none.</summary>
    public ReadOnlySpan<double> Numbers => _numbers.AsSpan(0, _numbers is null ? 0 : Count);

    int TextLength => Count == 0 ? 0 : _textEnds![Count - 1];

    /// <summary>An element, as an object.</summary>
    public object? this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
            if (_numbers is not null) return _numbers[index];
            return TryText(index, out var text) ? Encoding.UTF8.GetString(text) : _objects![index];
        }
    }

    /// <summary>An element's bytes when all elements are texts. They may be no UTF-8: what is not becomes U+FFFD when it is decoded.</summary>
    public bool TryText(int index, out ReadOnlySpan<byte> utf8)
    {
        utf8 = default;
        if (_textEnds is null) return false;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
        var begin = index == 0 ? 0 : _textEnds[index - 1];
        utf8 = _texts.AsSpan(begin, _textEnds[index] - begin);
        return true;
    }

    public IEnumerator<object?> GetEnumerator()
    {
        for (var i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <param name="finished">What stands in a list for a value from the stack.</param>
    internal void Append(ReadOnlySpan<PickleStack.Entry> items, PickleStack stack, Func<object?, object?> finished)
    {
        foreach (var item in items)
        {
            if (item.IsReal && MayBeNumbers) Add(item.Real, items.Length);
            else if (item.IsText && MayTake(stack.TextOf(item).Length)) Add(stack.TextOf(item), items.Length);
            else Add(finished(stack.ValueOf(item)), items.Length);
        }
    }

    bool MayBeNumbers => Count == 0 || _numbers is not null;

    bool MayTake(int bytes) => Count == 0 || (_texts is not null && bytes <= Array.MaxLength - TextLength);

    void Add(double number, int more)
    {
        Grow(ref _numbers, Count, Count + 1, Count + more);
        _numbers![Count++] = number;
    }

    void Add(ReadOnlySpan<byte> utf8, int more)
    {
        var begin = TextLength;
        Grow(ref _textEnds, Count, Count + 1, Count + more);
        Grow(ref _texts, begin, begin + utf8.Length, begin + (64L * more));
        utf8.CopyTo(_texts.AsSpan(begin));
        _textEnds![Count++] = begin + utf8.Length;
    }

    void Add(object? value, int more)
    {
        // What was named before, or is a NumPy number, is an object by now.
        if (value is double number && MayBeNumbers) Add(number, more);
        else if (value is string text && MayTake(Encoding.UTF8.GetByteCount(text))) Add(Encoding.UTF8.GetBytes(text), more);
        else
        {
            _objects ??= [.. this];
            (_numbers, _texts, _textEnds) = (null, null, null);
            _objects.Add(value);
            Count++;
        }
    }

    static void Grow<T>(ref T[]? array, int used, int needed, long wanted)
    {
        if (array is not null && needed <= array.Length) return;
        var larger = GC.AllocateUninitializedArray<T>((int)Math.Max(needed, Math.Min(Array.MaxLength, Math.Max(wanted, 2L * used))));
        array.AsSpan(0, used).CopyTo(larger);
        array = larger;
    }
}
