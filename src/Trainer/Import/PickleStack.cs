namespace Mcn.Web.Trainer.Import;

/// <summary>The stack of the pickle machine with its marks, and how deep each value nests. Popping below a mark is refused.</summary>
internal sealed class PickleStack(PickleInput input, PickleLimits limits)
{
    readonly List<Entry> _items = [];
    readonly List<int> _marks = [];

    public readonly record struct Entry(object? Value, int Depth);

    public int Count => _items.Count;

    int Floor => _marks.Count > 0 ? _marks[^1] : 0;

    public Entry this[int index] => _items[index];

    public void Push(object? value, int depth = 0)
    {
        if (depth > limits.MaxDepth) throw Refusal.At(input.Subject, input.Position, $"containers nested more than {limits.MaxDepth} deep");
        _items.Add(new Entry(value, depth));
    }

    public Entry Pop()
    {
        if (_items.Count <= Floor) throw Refusal.At(input.Subject, input.Position, "the pickle takes a value where there is none");
        var top = _items[^1];
        _items.RemoveAt(_items.Count - 1);
        return top;
    }

    public Entry Peek()
    {
        if (_items.Count <= Floor) throw Refusal.At(input.Subject, input.Position, "the pickle needs a value where there is none");
        return _items[^1];
    }

    /// <summary>Puts another value in place of the top, or makes the top deeper.</summary>
    public void Replace(object? value, int depth)
    {
        _items.RemoveAt(_items.Count - 1);
        Push(value, depth);
    }

    public void Mark()
    {
        if (_marks.Count >= limits.MaxDepth) throw Refusal.At(input.Subject, input.Position, $"containers nested more than {limits.MaxDepth} deep");
        _marks.Add(_items.Count);
    }

    /// <summary>Takes everything above the last mark, and the mark. <paramref name="depth"/>: of the deepest value.</summary>
    public Entry[] PopToMark(out int depth)
    {
        if (_marks.Count == 0) throw Refusal.At(input.Subject, input.Position, "the pickle closes a group that was not opened");
        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        var items = _items[start..].ToArray();
        _items.RemoveRange(start, items.Length);
        depth = 0;
        foreach (var item in items) depth = Math.Max(depth, item.Depth);
        return items;
    }
}
