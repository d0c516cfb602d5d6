namespace Mcn.Web.Trainer.Import;

/// <summary>Things that exist only while a pickle is read; they must not end up in a list or dictionary.</summary>
internal abstract class PickleMachinery
{
}

/// <summary>The few names that a pickle may use. Each stands for code written here; nothing is ever looked up or called by name.</summary>
internal sealed class PickleGlobal : PickleMachinery
{
    public enum Meaning
    {
        Reconstruct,
        NdArray,
        DType,
        Scalar,
        FromBuffer,
        CodecsEncode,
        Bytes,
        OrderedDict,
        RebuildTensor,
        LoadFromBytes,
        Storage,
        Device,
    }

    static readonly Dictionary<string, PickleGlobal> Allowed = All().ToDictionary(g => g.Name, StringComparer.Ordinal);

    PickleGlobal(string name, Meaning kind, ArrayType element = default)
    {
        Name = name;
        Kind = kind;
        Element = element;
    }

    public string Name { get; }

    public Meaning Kind { get; }

    /// <summary>Element type of a storage class.</summary>
    public ArrayType Element { get; }

    public static PickleGlobal? Find(string module, string name) => Allowed.GetValueOrDefault($"{module}.{name}");

    static IEnumerable<PickleGlobal> All()
    {
        // numpy 2 renamed numpy.core to numpy._core.
        foreach (var core in (string[])["numpy.core", "numpy._core"])
        {
            yield return new($"{core}.multiarray._reconstruct", Meaning.Reconstruct);
            yield return new($"{core}.multiarray.scalar", Meaning.Scalar);
            yield return new($"{core}.numeric._frombuffer", Meaning.FromBuffer);
        }

        yield return new("numpy.ndarray", Meaning.NdArray);
        yield return new("numpy.dtype", Meaning.DType);
        yield return new("_codecs.encode", Meaning.CodecsEncode);
        yield return new("__builtin__.bytes", Meaning.Bytes); // How protocol 2 writes b''.
        yield return new("builtins.bytes", Meaning.Bytes);
        yield return new("collections.OrderedDict", Meaning.OrderedDict);
        yield return new("torch._utils._rebuild_tensor_v2", Meaning.RebuildTensor);
        yield return new("torch.storage._load_from_bytes", Meaning.LoadFromBytes);
        yield return new("torch.device", Meaning.Device);
        foreach (var (name, element) in TorchStorage.Classes) yield return new($"torch.{name}", Meaning.Storage, element);
    }
}

/// <summary>A numpy.dtype under construction: type letters first, byte order by BUILD.</summary>
internal sealed class PickledDType(string code) : PickleMachinery
{
    public string Code { get; } = code;

    public char Order { get; set; } = '|';
}

/// <summary>An array between _reconstruct and BUILD; the memo may name it before it is complete.</summary>
internal sealed class PickledArray : PickleMachinery
{
    /// <summary>A <see cref="HostArray"/>, or a list of objects for an object array.</summary>
    public object? Result { get; set; }
}

/// <summary>The memory of torch tensors: elements of one type.</summary>
internal sealed class TorchStorage(ArrayType element, ReadOnlyMemory<byte> data, bool isLoaded) : PickleMachinery
{
    /// <summary>PyTorch's storage classes (module torch).</summary>
    public static IReadOnlyList<(string Name, ArrayType Element)> Classes { get; } =
    [
        ("HalfStorage", ArrayType.Float16), ("BFloat16Storage", ArrayType.BFloat16), ("FloatStorage", ArrayType.Float32),
        ("DoubleStorage", ArrayType.Float64), ("CharStorage", ArrayType.Int8), ("ByteStorage", ArrayType.UInt8),
        ("ShortStorage", ArrayType.Int16), ("IntStorage", ArrayType.Int32), ("LongStorage", ArrayType.Int64), ("BoolStorage", ArrayType.Bool),
    ];

    public ArrayType Element { get; } = element;

    public ReadOnlyMemory<byte> Data { get; } = data;

    /// <summary>False while the first pass over a legacy stream only looks for the end of the pickle.</summary>
    public bool IsLoaded { get; } = isLoaded;
}
