using System.Buffers.Binary;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>Marks an array that is to be written as a torch tensor instead of a NumPy array.</summary>
public sealed record TorchTensor(HostArray Array);

/// <summary>
/// Writes pickles (protocol 4) that Python reads with pickle.load: null, bool, long, int, double, string, byte[], lists, object?[] as
/// tuple, dictionaries, <see cref="HostArray"/> as NumPy array (loads in NumPy 1 and 2) and <see cref="TorchTensor"/> in the way that
/// torch pickles a CPU tensor. What it cannot write is a mistake of the caller: ArgumentException.
/// </summary>
public static class PickleWriter
{
    public static void Write(string path, object? value) => CompleteFile.Write(path, stream => Write(stream, value));

    /// <summary>Writes a dictionary entry by entry, so that it need not fit into memory.</summary>
    /// <param name="entries">Calls its argument for each entry.</param>
    public static void WriteDictionary(Stream stream, Action<Action<string, object?>> entries)
    {
        const int entriesAtOnce = 1000; // as Python: a reader holds no more on its stack
        var writer = new PickleOutput(stream, maxMemoText: 5); // the names of the fields
        var count = 0;
        writer.Raw(0x80, 4, (byte)'}');
        entries((key, value) =>
        {
            if (count++ % entriesAtOnce == 0) writer.Raw(count == 1 ? [(byte)'('] : [(byte)'u', (byte)'(']);
            writer.Text(key);
            writer.Value(value, 1);
        });
        writer.Raw(count == 0 ? [(byte)'.'] : [(byte)'u', (byte)'.']);
    }

    public static void Write(Stream stream, object? value)
    {
        var writer = new PickleOutput(stream);
        writer.Raw(0x80, 4);
        writer.Value(value, 0);
        writer.Raw((byte)'.');
    }
}

/// <summary>The operations of one pickle being written. Repeated short strings and names go through the memo, as Python's do.</summary>
internal sealed class PickleOutput(Stream stream, int maxMemoText = PickleOutput.MaxMemoText)
{
    const int MaxDepth = 100;

    /// <summary>Longer strings (captions) hardly repeat; remembering them would keep them all in memory.</summary>
    const int MaxMemoText = 64;

    readonly Dictionary<string, int> _memo = new(StringComparer.Ordinal);

    public void Value(object? value, int depth)
    {
        if (depth > MaxDepth) throw new ArgumentException($"Values nested more than {MaxDepth} deep");
        switch (value)
        {
            case null: Raw((byte)'N'); break;
            case bool truth: Raw(truth ? (byte)0x88 : (byte)0x89); break;
            case int number: Number(number); break;
            case long number: Number(number); break;
            case float number: Real(number); break;
            case double number: Real(number); break;
            case string text: Text(text); break;
            case byte[] bytes: Bytes(bytes); break;
            case HostArray array: NumPy(array); break;
            case TorchTensor tensor: Torch(tensor.Array); break;
            case object?[] tuple when tuple.GetType() == typeof(object[]): Tuple(tuple, depth); break;
            case System.Collections.IDictionary dictionary:
                Raw((byte)'}', (byte)'(');
                foreach (System.Collections.DictionaryEntry entry in dictionary)
                {
                    Value(entry.Key, depth + 1);
                    Value(entry.Value, depth + 1);
                }

                Raw((byte)'u');
                break;
            case System.Collections.IEnumerable list:
                Raw((byte)']', (byte)'(');
                foreach (var item in list) Value(item, depth + 1);
                Raw((byte)'e');
                break;
            default: throw new ArgumentException($"A pickle cannot hold {value.GetType()}");
        }
    }

    public void Raw(params ReadOnlySpan<byte> bytes) => stream.Write(bytes);

    public void Number(long value)
    {
        Span<byte> op = stackalloc byte[10];
        if (value is >= 0 and <= byte.MaxValue) { Raw((byte)'K', (byte)value); return; }
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            op[0] = (byte)'J';
            BinaryPrimitives.WriteInt32LittleEndian(op[1..], (int)value);
            stream.Write(op[..5]);
            return;
        }

        op[0] = 0x8a;
        op[1] = 8;
        BinaryPrimitives.WriteInt64LittleEndian(op[2..], value);
        stream.Write(op);
    }

    public void Text(string text)
    {
        if (_memo.TryGetValue(text, out var index))
        {
            Recall(index);
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length <= byte.MaxValue) Raw(0x8c, (byte)bytes.Length);
        else Announce((byte)'X', bytes.Length);
        Raw(bytes);
        if (bytes.Length <= maxMemoText) Remember(text);
    }

    public void Global(string module, string name)
    {
        var key = $"{module}\n{name}"; // No text of the data is its own name and a module's: a newline does not occur in short keys.
        if (_memo.TryGetValue("\0" + key, out var index))
        {
            Recall(index);
            return;
        }

        Text(module);
        Text(name);
        Raw(0x93);
        Remember("\0" + key);
    }

    void Real(double value)
    {
        Span<byte> op = stackalloc byte[9];
        op[0] = (byte)'G';
        BinaryPrimitives.WriteDoubleBigEndian(op[1..], value);
        stream.Write(op);
    }

    void Bytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length <= byte.MaxValue) Raw((byte)'C', (byte)bytes.Length);
        else Announce((byte)'B', bytes.Length);
        Raw(bytes);
    }

    void Tuple(ReadOnlySpan<object?> members, int depth)
    {
        if (members.IsEmpty) { Raw((byte)')'); return; }
        if (members.Length > 3) Raw((byte)'(');
        foreach (var member in members) Value(member, depth + 1);
        byte close = members.Length switch { 1 => 0x85, 2 => 0x86, 3 => 0x87, _ => (byte)'t' };
        Raw(close);
    }

    void Shape(long[] shape) => Tuple(Array.ConvertAll(shape, size => (object?)size), 0);

    /// <summary>_reconstruct(ndarray, (0,), b'b') and its state: the form that numpy 1.x writes and 2.x still loads.</summary>
    void NumPy(HostArray array)
    {
        var code = ArrayLayout.ToNumpy(array.Type) ?? throw new ArgumentException($"NumPy has no {array.Type}");
        Global("numpy.core.multiarray", "_reconstruct");
        Global("numpy", "ndarray");
        Tuple([0L], 0);
        Bytes("b"u8);
        Raw(0x87, (byte)'R', (byte)'(');
        Number(1);
        Shape(array.Shape);
        Global("numpy", "dtype");
        Tuple([code, false, true], 0);
        Raw((byte)'R');
        Tuple([3L, HostArray.SizeOf(array.Type) == 1 ? "|" : "<", null, null, null, -1L, -1L, 0L], 0);
        Raw((byte)'b', 0x89);
        Bytes(array.Data.Span);
        Raw((byte)'t', (byte)'b');
    }

    void Torch(HostArray array)
    {
        Global("torch._utils", "_rebuild_tensor_v2");
        Raw((byte)'(');
        Global("torch.storage", "_load_from_bytes");
        Bytes(TorchStream(array));
        Raw(0x85, (byte)'R');
        Number(0);
        Shape(array.Shape);
        var strides = new long[array.Shape.Length];
        for (var (i, step) = (strides.Length - 1, 1L); i >= 0; i--)
        {
            strides[i] = step;
            step *= Math.Max(array.Shape[i], 1);
        }

        Shape(strides);
        Raw(0x89);
        Global("collections", "OrderedDict");
        Raw((byte)')', (byte)'R', (byte)'t', (byte)'R');
    }

    /// <summary>The storage as torch.save wrote it before 1.6; see <see cref="TorchLegacyStream"/>.</summary>
    static byte[] TorchStream(HostArray array)
    {
        using var memory = new MemoryStream(array.Data.Length + 512);
        void Part(Action<PickleOutput> write)
        {
            var output = new PickleOutput(memory);
            output.Raw(0x80, 2);
            write(output);
            output.Raw((byte)'.');
        }

        Part(o =>
        {
            var magic = TorchLegacyStream.Magic.ToByteArray();
            o.Raw(0x8a, (byte)magic.Length);
            o.Raw(magic);
        });
        Part(o => o.Number(TorchLegacyStream.Protocol));
        Part(o => o.Value(
            new Dictionary<string, object?>
            {
                ["protocol_version"] = (long)TorchLegacyStream.Protocol,
                ["little_endian"] = true,
                ["type_sizes"] = new Dictionary<string, object?> { ["short"] = 2L, ["int"] = 4L, ["long"] = 4L },
            }, 0));
        Part(o =>
        {
            o.Raw((byte)'(');
            o.Text("storage");
            o.Raw(Encoding.ASCII.GetBytes($"ctorch\n{TorchStorage.Classes.First(c => c.Element == array.Type).Name}\n"));
            o.Text("0");
            o.Text("cpu");
            o.Number(array.Count);
            o.Raw((byte)'N', (byte)'t', (byte)'Q');
        });
        Part(o => o.Value(new List<string> { "0" }, 0));
        Span<byte> count = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(count, array.Count);
        memory.Write(count);
        memory.Write(array.Data.Span);
        return memory.ToArray();
    }

    void Announce(byte op, int length)
    {
        Span<byte> bytes = stackalloc byte[5];
        bytes[0] = op;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[1..], length);
        stream.Write(bytes);
    }

    void Remember(string key)
    {
        _memo[key] = _memo.Count;
        Raw(0x94);
    }

    void Recall(int index)
    {
        Span<byte> op = stackalloc byte[5];
        op[0] = index <= byte.MaxValue ? (byte)'h' : (byte)'j';
        if (index <= byte.MaxValue) op[1] = (byte)index;
        else BinaryPrimitives.WriteInt32LittleEndian(op[1..], index);
        stream.Write(op[..(index <= byte.MaxValue ? 2 : 5)]);
    }
}
