using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Carries out the operations of one pickle (Python's pickletools lists them), protocols 0 to 5 as far as data need them.
/// A pure function of the input: nothing is executed, and only the names in <see cref="PickleGlobal"/> mean anything.
/// No recursion, whatever the nesting.
/// </summary>
internal sealed class PickleMachine
{
    readonly PickleInput _input;
    readonly PickleLimits _limits;
    readonly PickleStack _stack;
    readonly PickleMemo _memo = new();
    readonly PickleConstruction _construction;
    readonly Func<object?, long, object>? _persistent;
    readonly Action<string, object?>? _item;
    readonly Func<object?, object?> _finished;
    Dictionary<object, object?>? _streamed;
    long _stringAt = -1;
    long _stringEnd = -1;
    long _opAt;

    /// <param name="input">The bytes; they stay open and stand behind STOP afterwards.</param>
    /// <param name="limits">What the pickle may cost.</param>
    /// <param name="construction">Makes arrays, tensors and dictionaries from the allowed names.</param>
    /// <param name="persistent">Turns a persistent id (and its offset) into a storage; null refuses them.</param>
    /// <param name="item">Takes the items of the top-level dictionary, which then stays empty; null keeps them.</param>
    public PickleMachine(
        PickleInput input, PickleLimits limits, PickleConstruction construction,
        Func<object?, long, object>? persistent = null, Action<string, object?>? item = null)
    {
        _input = input;
        _limits = limits;
        _stack = new PickleStack(input, limits);
        _construction = construction;
        _persistent = persistent;
        _item = item;
        _finished = Finished;
    }

    public object? Run()
    {
        for (var steps = 0L; ; steps++)
        {
            if (steps >= _limits.MaxItems) throw Fault($"more than {_limits.MaxItems} operations");
            _opAt = _input.Position;
            var op = _input.Byte();
            if (op == '.') return Result();
            if (!Literal(op) && !Container(op) && !Memo(op)) Object(op);
        }
    }

    object? Result()
    {
        var value = Complete(_stack.Pop().Value);
        if (_item is not null && (_streamed is null || !ReferenceEquals(value, _streamed)) && value is not Dictionary<object, object?> { Count: 0 })
        {
            throw Fault("the pickle is not one dictionary", "a dictionary by video");
        }

        return value;
    }

    bool Literal(byte op)
    {
        switch (op)
        {
            case (byte)'N': _stack.Push(null); return true;
            case 0x88: _stack.Push(true); return true;
            case 0x89: _stack.Push(false); return true;
            case (byte)'K': _stack.Push((long)_input.Byte()); return true;
            case (byte)'M': _stack.Push((long)BinaryPrimitives.ReadUInt16LittleEndian(_input.Few(2))); return true;
            case (byte)'J': _stack.Push((long)BinaryPrimitives.ReadInt32LittleEndian(_input.Few(4))); return true;
            case (byte)'G': _stack.PushReal(BinaryPrimitives.ReadDoubleBigEndian(_input.Few(8))); return true;
            case 0x8a: PushNumber(_input.Byte()); return true;
            case 0x8b: PushNumber(BinaryPrimitives.ReadInt32LittleEndian(_input.Few(4))); return true;
            case 0x8c: PushText(_input.Byte(), Encoding.UTF8); return true;
            case (byte)'X': PushText(_input.UInt32(), Encoding.UTF8); return true;
            case 0x8d: PushText(_input.UInt64(), Encoding.UTF8); return true;
            case (byte)'U': PushText(_input.Byte(), Encoding.Latin1); return true; // Python 2's str
            case (byte)'T': PushText(_input.UInt32(), Encoding.Latin1); return true;
            case (byte)'C': _stack.Push(_input.Bytes(_input.Byte())); return true;
            case (byte)'B': _stack.Push(_input.Bytes(_input.UInt32())); return true;
            case 0x8e or 0x96: _stack.Push(_input.Bytes(_input.UInt64())); return true;
            case (byte)'I': _stack.Push(_input.NumberLine()); return true;
            case (byte)'L': _stack.Push(_input.NumberLine()); return true;
            case (byte)'F':
                if (!double.TryParse(_input.Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) throw Fault("a number cannot be read");
                _stack.PushReal(value);
                return true;
            default: return false;
        }
    }

    bool Container(byte op)
    {
        switch (op)
        {
            case (byte)'(': _stack.Mark(); return true;
            case (byte)'0': _stack.Pop(); return true;
            case (byte)'1': _stack.PopToMark(); return true;
            case (byte)'2': var top = _stack.Peek(); _stack.Push(top.Value, top.Depth); return true;
            case (byte)')': _stack.Push(Array.Empty<object?>(), 1); return true;
            case (byte)']': _stack.Push(NewList(), 1); return true;
            case (byte)'}': _stack.Push(NewDictionary(), 1); return true;
            case 0x85 or 0x86 or 0x87: PushTuple(_stack.Pop(op - 0x84)); return true;
            case (byte)'t': PushTuple(_stack.PopToMark()); return true;
            case (byte)'l':
                var elements = _stack.PopToMark().ToArray();
                _stack.Push(NewList(), 1);
                Append(elements);
                return true;
            case (byte)'d':
                var pairs = _stack.PopToMark().ToArray();
                _stack.Push(NewDictionary(), 1);
                SetItems(pairs);
                return true;
            case (byte)'a': Append(_stack.Pop(1)); return true;
            case (byte)'e': Append(_stack.PopToMark()); return true;
            case (byte)'s': SetItems(_stack.Pop(2)); return true;
            case (byte)'u': SetItems(_stack.PopToMark()); return true;
            default: return false;
        }
    }

    bool Memo(byte op)
    {
        switch (op)
        {
            case 0x94: Put(_memo.Next); return true;
            case (byte)'q': Put(_input.Byte()); return true;
            case (byte)'r': Put(_input.UInt32()); return true;
            case (byte)'p': Put(_input.NumberLine() as long? ?? -1); return true;
            case (byte)'h': Get(_input.Byte()); return true;
            case (byte)'j': Get(_input.UInt32()); return true;
            case (byte)'g': Get(_input.NumberLine() as long? ?? -1); return true;
            default: return false;
        }
    }

    void Object(byte op)
    {
        switch (op)
        {
            case 0x80:
                var protocol = _input.Byte();
                if (protocol > 5) throw Fault($"pickle protocol {protocol}", "0 to 5", "Write it with pickle.dump(..., protocol=4)");
                break;
            case 0x95:
                // Frames only help a reader that prefetches; the operations inside are the same.
                var frame = _input.UInt64();
                if (frame > (ulong)_input.Left) throw Fault($"a frame of {frame} bytes is announced", $"at most the remaining {_input.Left}");
                break;
            case (byte)'c': var module = _input.Line(); PushGlobal(module, _input.Line()); break;
            case 0x93:
                if (_stack.Pop().Value is not string name || _stack.Pop().Value is not string owner) throw Fault("a global whose name is not text");
                PushGlobal(owner, name);
                break;
            case (byte)'R' or 0x81:
                if (_stack.Pop() is not { Value: object?[] arguments } packed) throw Fault("a call without a tuple of arguments");
                if (_stack.Pop().Value is not PickleGlobal called) throw Fault("a call of something that is not a known name");
                _stack.Push(_construction.Reduce(called, arguments, _opAt), called.Kind == PickleGlobal.Meaning.OrderedDict ? packed.Depth + 1 : 1);
                break;
            case (byte)'b':
                var state = Complete(_stack.Pop().Value);
                var target = _stack.Peek();
                _stack.Replace(_construction.Build(target.Value, state, _opAt), Math.Max(1, target.Depth));
                break;
            case (byte)'Q':
                if (_persistent is null) throw Fault("a reference to something outside the file (persistent id)");
                _stack.Push(_persistent(Complete(_stack.Pop().Value), _opAt), 1);
                break;
            default:
                throw Fault($"operation 0x{op:x2} is not one that data need", "numbers, text, lists, dictionaries, arrays", "Write it with pickle.dump(..., protocol=4) from plain lists, dicts and arrays");
        }
    }

    static Dictionary<object, object?> NewDictionary() => new(PickleKeys.Comparer);

    object NewList() => _item is null ? new List<object?>() : new PackedList();

    void PushText(ulong length, Encoding encoding)
    {
        // In the streamed captions nearly every text goes into a packed list, which wants the bytes.
        if (_item is null || encoding != Encoding.UTF8 || !_stack.PushText(_input.Announced(length))) _stack.Push(_input.Text(length, encoding));
        _stringAt = _opAt;
        _stringEnd = _input.Position;
    }

    /// <summary>A long; a BigInteger when it does not fit into one (PyTorch's magic number).</summary>
    void PushNumber(int length)
    {
        if (length < 0 || length > _limits.MaxNumberBytes) throw Fault($"a whole number of {length} bytes", $"at most {_limits.MaxNumberBytes}");
        var number = new BigInteger(_input.Few(length));
        if (number >= long.MinValue && number <= long.MaxValue) _stack.Push((long)number);
        else _stack.Push(number);
    }

    void PushTuple(ReadOnlySpan<PickleStack.Entry> items)
    {
        var members = new object?[items.Length];
        var depth = 0;
        for (var i = 0; i < items.Length; i++)
        {
            members[i] = Complete(_stack.ValueOf(items[i]));
            depth = Math.Max(depth, items[i].Depth);
        }

        _stack.Push(members, depth + 1);
    }

    void PushGlobal(string module, string name) => _stack.Push(PickleGlobal.Find(module, name)
        ?? throw Fault($"the name {Refusal.Show(module)}.{Refusal.Show(name)}", "only numbers, text, lists, dictionaries, NumPy arrays and torch tensors", "It is not loaded: unpickling it could run code. Convert the file to plain types"));

    void Append(ReadOnlySpan<PickleStack.Entry> items)
    {
        var target = _stack.Peek();
        if (target.Value is not (List<object?> or PackedList)) throw Fault("values are appended to something that is not a list");
        if (target.Value is PackedList packed) packed.Append(items, _stack, _finished);
        var depth = target.Depth;
        foreach (var item in items)
        {
            if (target.Value is List<object?> list) list.Add(Finished(_stack.ValueOf(item)));
            depth = Math.Max(depth, item.Depth + 1);
        }

        if (depth != target.Depth) _stack.Replace(target.Value, depth);
    }

    void SetItems(ReadOnlySpan<PickleStack.Entry> items)
    {
        var target = _stack.Peek();
        if (target.Value is not Dictionary<object, object?> dictionary) throw Fault("items are set on something that is not a dictionary");
        if (items.Length % 2 != 0) throw Fault("a key without a value");
        var depth = target.Depth;
        var stream = _item is not null && _stack.Count == 1;
        for (var i = 0; i < items.Length; i += 2)
        {
            var key = _stack.ValueOf(items[i]);
            if (!PickleKeys.IsKey(key)) throw Fault("a dictionary key that is neither text nor a number");
            var value = Finished(_stack.ValueOf(items[i + 1]));
            if (stream) _item!(key as string ?? throw Fault("a top-level key that is not text"), value);
            else dictionary[key!] = value;
            depth = Math.Max(depth, items[i + 1].Depth + 1);
        }

        if (depth != target.Depth) _stack.Replace(dictionary, depth);
        if (!stream) return;
        _streamed = dictionary;
        _memo.ForgetContainers(dictionary);
    }

    void Put(long index)
    {
        // The pickler counts up, so an index beyond the bytes read is nonsense; this also bounds the memo.
        if (index < 0 || index > _input.Position) throw Fault($"memo index {index}", $"at most {_input.Position}");
        if (_item is not null && _stringEnd == _opAt) _memo.Put(index, PickleMemo.Slot.StillInFile(_stringAt)); // the text that was just pushed
        else
        {
            var top = _stack.Peek();
            _memo.Put(index, new PickleMemo.Slot(top.Value, top.Depth + 1));
        }
    }

    void Get(long index)
    {
        var slot = index < 0 ? default : _memo.Get(index);
        if (!slot.IsSet) throw Fault($"memo entry {index} is named before it was set");
        if (ReferenceEquals(slot.Value, PickleMemo.Gone))
        {
            throw Fault("an entry shares a list or array with an earlier entry, which is no longer in memory", "entries of their own", "Write the file again with copied lists");
        }

        if (!slot.InFile)
        {
            _stack.Push(Complete(slot.Value), slot.Depth);
            return;
        }

        var back = _input.Position;
        _input.Seek(slot.Offset);
        Literal(_input.Byte());
        _input.Seek(back);
        // Named once, it will be named again ("start", "end", "text" of every video): now it is kept.
        _memo.Put(index, new PickleMemo.Slot(_stack.Peek().Value, 1));
    }

    /// <summary>Puts the finished array in place of what _reconstruct returned.</summary>
    static object? Complete(object? value) => value is PickledArray { Result: { } result } ? result : value;

    object? Finished(object? value)
    {
        value = Complete(value);
        return value is PickleMachinery ? throw Fault("an incomplete array or a bare class as a value", "data") : value;
    }

    UserError Fault(string found, string expected = "", string remedy = Refusal.Damaged) => Refusal.At(_input.Subject, _opAt, found, expected, remedy);
}
