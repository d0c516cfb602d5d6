using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// The stack of the pickle machine with its marks, and how deep each value nests. Popping below a mark is refused. Floats, and texts of
/// a streamed pickle, are no objects while they lie here: most go into a <see cref="PackedList"/> and never become any.
/// </summary>
internal sealed class PickleStack(PickleInput input, PickleLimits limits)
{
    // More than any batch of the pickler holds; beyond it texts become objects at once.
    const int MostTextBytes = 1 << 26;

    readonly List<int> _marks = [];
    Entry[] _items = new Entry[16];
    byte[] _texts = new byte[256]; // of the entries from bottom to top, so it is a stack as well
    int _textEnd;
    int _popped;

    /// <param name="Value">The value, or a mark that says what <paramref name="Bits"/> is.</param>
    /// <param name="Depth">Containers in it, one inside another.</param>
    /// <param name="Bits">A float, or where a text lies: begin in the upper half, end in the lower.</param>
    public readonly record struct Entry(object? Value, int Depth, long Bits = 0)
    {
        static readonly object Float = new();
        static readonly object Utf8 = new();

        public bool IsReal => ReferenceEquals(Value, Float);

        public bool IsText => ReferenceEquals(Value, Utf8);

        public double Real => BitConverter.Int64BitsToDouble(Bits);

        public Range Text => (int)(Bits >> 32)..(int)Bits;

        public static Entry Of(double number) => new(Float, 0, BitConverter.DoubleToInt64Bits(number));

        public static Entry Of(int textBegin, int textEnd) => new(Utf8, 0, ((long)textBegin << 32) | (uint)textEnd);
    }

    public int Count { get; private set; }

    int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    public void Push(object? value, int depth = 0)
    {
        if (depth > limits.MaxDepth) throw Refusal.At(input.Subject, input.Position, $"containers nested more than {limits.MaxDepth} deep");
        Push(new Entry(value, depth));
    }

    public void PushReal(double number) => Push(Entry.Of(number));

    /// <summary>Pushes the next bytes of the input as a text; false, and nothing done, when there are too many to lie here.</summary>
    public bool PushText(int length)
    {
        if (length > MostTextBytes - _textEnd) return false;
        var end = _textEnd + length;
        if (end > _texts.Length) Array.Resize(ref _texts, Math.Max(end, 2 * _texts.Length));
        input.Copy(_texts.AsSpan(_textEnd, length));
        Push(Entry.Of(_textEnd, end));
        _textEnd = end;
        return true;
    }

    /// <summary>The value on top, as an object.</summary>
    public Entry Pop()
    {
        if (Count <= Floor) throw NothingToPop();
        var top = Boxed();
        _items[--Count] = default;
        return top;
    }

    public Entry Peek()
    {
        if (Count <= Floor) throw Refusal.At(input.Subject, input.Position, "the pickle needs a value where there is none");
        return Boxed();
    }

    /// <summary>Puts another value in place of the top, or makes the top deeper.</summary>
    public void Replace(object? value, int depth)
    {
        Count--;
        Push(value, depth);
    }

    public void Mark()
    {
        if (_marks.Count >= limits.MaxDepth) throw Refusal.At(input.Subject, input.Position, $"containers nested more than {limits.MaxDepth} deep");
        _marks.Add(Count);
        if (_popped > Count) Array.Clear(_items, Count, _popped - Count); // else they keep values from being collected
        _popped = 0;
    }

    /// <summary>Takes everything above the last mark, and the mark. Valid until the next push.</summary>
    public ReadOnlySpan<Entry> PopToMark()
    {
        if (_marks.Count == 0) throw Refusal.At(input.Subject, input.Position, "the pickle closes a group that was not opened");
        var items = Pop(Count - _marks[^1]);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    /// <summary>Takes some from the top. Valid until the next push.</summary>
    public ReadOnlySpan<Entry> Pop(int count)
    {
        if (Count - count < Floor) throw NothingToPop();
        var items = _items.AsSpan(Count - count, count);
        _popped = Math.Max(_popped, Count);
        Count -= count;
        foreach (var item in items)
        {
            if (!item.IsText) continue;
            _textEnd = item.Text.Start.Value; // the lowest of them
            break;
        }

        return items;
    }

    /// <summary>The value of an entry, as an object.</summary>
    public object? ValueOf(Entry entry) => entry.IsReal ? entry.Real : entry.IsText ? Encoding.UTF8.GetString(TextOf(entry)) : entry.Value;

    public ReadOnlySpan<byte> TextOf(Entry entry) => _texts.AsSpan(entry.Text);

    Shared.UserError NothingToPop() => Refusal.At(input.Subject, input.Position, "the pickle takes a value where there is none");

    void Push(Entry entry)
    {
        if (Count == _items.Length) Array.Resize(ref _items, 2 * Count);
        _items[Count++] = entry;
    }

    // A text that becomes an object lies on top, so nothing above it has bytes.
    Entry Boxed()
    {
        ref var top = ref _items[Count - 1];
        if (top.IsText) _textEnd = top.Text.Start.Value;
        if (top.IsText || top.IsReal) top = new Entry(ValueOf(top), 0);
        return top;
    }
}
