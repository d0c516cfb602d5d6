using System.Globalization;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>What a pickle may still cost in copies; shared with the streams embedded in it.</summary>
internal sealed class PickleBudget(long bytes)
{
    long _left = bytes;

    public static PickleBudget For(long inputLength, PickleLimits limits) => new((inputLength * limits.MaxCopies) + (1 << 20));

    public bool Take(long bytes) => bytes <= _left && (_left -= bytes) >= 0;
}

/// <summary>
/// Makes the values that a pickle builds through names: NumPy arrays, scalars and types, torch tensors and storages, ordered
/// dictionaries. Arguments are taken apart by pattern; whatever does not fit is refused with the offset of the operation.
/// </summary>
internal sealed class PickleConstruction(string subject, PickleLimits limits, PickleBudget budget, bool mayNest)
{
    public object? Reduce(PickleGlobal called, object?[] arguments, long at) => (called.Kind, arguments) switch
    {
        (PickleGlobal.Meaning.Reconstruct, [PickleGlobal { Kind: PickleGlobal.Meaning.NdArray }, ..]) => new PickledArray(),
        (PickleGlobal.Meaning.DType, [string code, ..]) => new PickledDType(code),
        (PickleGlobal.Meaning.Scalar, [PickledDType type, var data]) => Scalar(type, Raw(data, at), at),
        (PickleGlobal.Meaning.FromBuffer, [byte[] data, PickledDType type, object?[] shape, string order]) => Array(type, Sizes(shape, at), order == "F", data, at),
        (PickleGlobal.Meaning.CodecsEncode, [string text, "latin1" or "latin-1" or "latin_1"]) => Raw(text, at),
        (PickleGlobal.Meaning.Bytes, []) => System.Array.Empty<byte>(),
        (PickleGlobal.Meaning.OrderedDict, []) => new Dictionary<object, object?>(PickleKeys.Comparer),
        (PickleGlobal.Meaning.OrderedDict, [IReadOnlyList<object?> pairs and not object?[]]) => FromPairs(pairs, at),
        (PickleGlobal.Meaning.RebuildTensor, [TorchStorage storage, long offset, object?[] shape, object?[] strides, ..]) =>
            Tensor(storage, offset, Sizes(shape, at), Sizes(strides, at), at),
        (PickleGlobal.Meaning.LoadFromBytes, [byte[] stream]) when mayNest => TorchLegacyStream.Read(stream, $"{subject} : torch stream at byte {at}", limits, budget),
        (PickleGlobal.Meaning.Device, [string kind, ..]) => kind,
        _ => throw Refusal.At(subject, at, $"{called.Name} is called with arguments that it does not take"),
    };

    /// <summary>BUILD: completes an array or type; attributes of an OrderedDict (a state_dict's _metadata) are of no use here.</summary>
    public object? Build(object? target, object? state, long at)
    {
        switch (target, state)
        {
            case (PickledDType type, object?[] and [_, string { Length: 1 } order, null, null, null, ..]):
                if (order == ">") throw Refusal.At(subject, at, $"an array of big-endian {Refusal.Show(type.Code)}", "little-endian", "Save it on this machine");
                type.Order = order[0];
                return type;
            case (PickledDType type, _):
                throw Refusal.At(subject, at, $"a structured array type ({Refusal.Show(type.Code)})", "an array of numbers");
            case (PickledArray { Result: null } array, object?[] and [_, object?[] shape, PickledDType { Code: "O8" or "O4" or "O" }, bool, IReadOnlyList<object?> elements and not object?[]]):
                if (shape is not [long count] || count != elements.Count) throw Refusal.At(subject, at, "an array of Python objects", "at most one dimension", "Use lists");
                return array.Result = elements;
            case (PickledArray { Result: null } array, object?[] and [_, object?[] shape, PickledDType type, bool fortran, var data]):
                return array.Result = Array(type, Sizes(shape, at), fortran, Raw(data, at), at);
            case (Dictionary<object, object?>, _):
                return target;
            default:
                throw Refusal.At(subject, at, "an object is given a state that it does not take");
        }
    }

    HostArray Array(PickledDType type, long[] shape, bool fortran, byte[] data, long at)
    {
        var element = Element(type, at);
        if (!ArrayLayout.TryByteCount(element, shape, out var bytes) || bytes != data.Length)
        {
            throw Refusal.At(subject, at, $"an array of shape ({string.Join(", ", shape)}) with {data.Length} bytes of {element}", $"{bytes} bytes");
        }

        if (!fortran || shape.Length < 2 || bytes == 0) return new HostArray(element, shape, data);
        return Gathered(element, data, 0, shape, ArrayLayout.FortranStrides(shape), bytes, at);
    }

    HostArray Tensor(TorchStorage storage, long offset, long[] shape, long[] strides, long at)
    {
        if (!storage.IsLoaded) return new HostArray(storage.Element, [0], default);
        var size = HostArray.SizeOf(storage.Element);
        var there = storage.Data.Length / size;
        if (shape.Length != strides.Length || offset < 0 || !ArrayLayout.TryByteCount(storage.Element, shape, out var bytes))
        {
            throw Refusal.At(subject, at, $"a tensor of shape ({string.Join(", ", shape)}), strides ({string.Join(", ", strides)}), offset {offset}");
        }

        if (bytes == 0) return new HostArray(storage.Element, shape, default);
        Int128 last = offset;
        for (var i = 0; i < shape.Length; i++) last += (Int128)(shape[i] - 1) * strides[i];
        if (last >= there)
        {
            throw Refusal.At(subject, at, $"a tensor reaches to element {last} of its storage", $"a storage of more than {there} elements");
        }

        return ArrayLayout.IsContiguous(shape, strides)
            ? new HostArray(storage.Element, shape, storage.Data.Slice((int)(offset * size), (int)bytes))
            : Gathered(storage.Element, storage.Data, offset, shape, strides, bytes, at);
    }

    HostArray Gathered(ArrayType element, ReadOnlyMemory<byte> data, long start, long[] shape, long[] strides, long bytes, long at)
    {
        Charge(bytes, at);
        var ordered = new byte[bytes];
        ArrayLayout.Gather(data.Span, start, shape, strides, HostArray.SizeOf(element), ordered);
        return new HostArray(element, shape, ordered);
    }

    object Scalar(PickledDType type, byte[] data, long at)
    {
        var element = Element(type, at);
        if (data.Length != HostArray.SizeOf(element)) throw Refusal.At(subject, at, $"a NumPy number of {data.Length} bytes", $"{HostArray.SizeOf(element)} for {element}");
        var array = new HostArray(element, [], data);
        return element switch
        {
            ArrayType.Float16 => (double)array.As<Half>()[0],
            ArrayType.Float32 => (double)array.As<float>()[0],
            ArrayType.Float64 => array.As<double>()[0],
            ArrayType.Int8 => (long)array.As<sbyte>()[0],
            ArrayType.Int16 => (long)array.As<short>()[0],
            ArrayType.Int32 => (long)array.As<int>()[0],
            ArrayType.Int64 => array.As<long>()[0],
            ArrayType.Bool => data[0] != 0,
            _ => (long)data[0],
        };
    }

    ArrayType Element(PickledDType type, long at)
    {
        var element = ArrayLayout.FromNumpy(type.Code);
        if (element is not null && (type.Order is '<' or '=' || HostArray.SizeOf(element.Value) == 1)) return element.Value;
        throw Refusal.At(subject, at, $"an array of type {Refusal.Show($"{type.Order}{type.Code}")}", "little-endian f2, f4, f8, i1, u1, i2, i4, i8 or b1", "Convert it with astype and save again");
    }

    /// <summary>Bytes, or text that stands for bytes (protocol 2 has no bytes: Latin-1 text).</summary>
    byte[] Raw(object? data, long at)
    {
        if (data is byte[] bytes) return bytes;
        if (data is not string text) throw Refusal.At(subject, at, "an array without bytes");
        if (text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff')) throw Refusal.At(subject, at, "bytes written as text with characters beyond 255");
        Charge(text.Length, at);
        return Encoding.Latin1.GetBytes(text);
    }

    long[] Sizes(object?[] values, long at)
    {
        if (values.Length > ArrayLayout.MaxDimensions) throw Refusal.At(subject, at, $"{values.Length} dimensions", $"at most {ArrayLayout.MaxDimensions}");
        var sizes = new long[values.Length];
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = values[i] is long size and >= 0 ? size : throw Refusal.At(subject, at, string.Create(CultureInfo.InvariantCulture, $"size {values[i]} of an array"), "whole numbers from 0");
        }

        return sizes;
    }

    Dictionary<object, object?> FromPairs(IReadOnlyList<object?> pairs, long at)
    {
        var dictionary = new Dictionary<object, object?>(PickleKeys.Comparer);
        // One list can be named again and again: each call makes a table of its size, some 64 bytes an entry.
        Charge(64L * pairs.Count, at);
        foreach (var pair in pairs)
        {
            var (key, value) = pair switch
            {
                IReadOnlyList<object?> { Count: 2 } of => (of[0], of[1]), // a list or a tuple
                _ => throw Refusal.At(subject, at, "an OrderedDict made from something other than pairs"),
            };
            if (!PickleKeys.IsKey(key) || value is PickleMachinery) throw Refusal.At(subject, at, "a dictionary key that is neither text nor a number");
            dictionary[key!] = value;
        }

        return dictionary;
    }

    void Charge(long bytes, long at)
    {
        if (!budget.Take(bytes)) throw Refusal.At(subject, at, "the pickle asks for far more memory than it has content", $"at most {limits.MaxCopies} times its length");
    }
}
