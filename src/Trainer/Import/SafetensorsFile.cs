using System.Buffers.Binary;
using System.Text.Json;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// An open safetensors file. The header is checked as a whole when it is opened: sizes against shapes, no overlaps, no gaps, nothing
/// beyond the file. Tensors are then read one by one, positionally. One thread at a time.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The format's own limit.</summary>
    const long MaxHeaderBytes = 100_000_000;

    readonly FileWindow _file = new(wholeFileBytes: 0);
    readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    readonly List<string> _names = [];
    long _dataStart;

    SafetensorsFile()
    {
    }

    readonly record struct Tensor(ArrayType Type, long[] Shape, long Begin, long End);

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<string> Names => _names;

    public static SafetensorsFile Open(string path) => Open(path, file => file.Open(path));

    /// <summary>The same for bytes in memory.</summary>
    public static SafetensorsFile Open(byte[] content, string subject) => Open(subject, file => file.Use(content, subject));

    static SafetensorsFile Open(string subject, Action<FileWindow> open)
    {
        var opened = new SafetensorsFile();
        try
        {
            open(opened._file);
            opened.ReadHeader(subject);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A tensor; the memory is the result's own.</summary>
    public HostArray Read(string name)
    {
        if (!_tensors.TryGetValue(name, out var tensor))
        {
            var some = string.Join(", ", _names.Take(12).Select(Refusal.Show));
            throw new UserError(_file.Path, $"the tensors are {some}{(_names.Count > 12 ? $", ... ({_names.Count} in all)" : "")}", $"a tensor '{name}'", "Is this a checkpoint of this model?");
        }

        return new HostArray(tensor.Type, tensor.Shape, _file.Bytes(_dataStart + tensor.Begin, tensor.End - tensor.Begin).ToArray());
    }

    public void Dispose() => _file.Dispose();

    void ReadHeader(string subject)
    {
        if (_file.Length < 8) throw Refusal.At(subject, _file.Length, "the file ends inside the header length", "a safetensors file");
        var length = BinaryPrimitives.ReadInt64LittleEndian(_file.Bytes(0, 8).Span);
        if (length < 2 || length > MaxHeaderBytes || length > _file.Length - 8)
        {
            throw Refusal.At(subject, 0, $"a header of {length} bytes is announced", $"2 to {Math.Min(MaxHeaderBytes, _file.Length - 8)}");
        }

        _dataStart = 8 + length;
        try
        {
            using var json = JsonDocument.Parse(_file.Bytes(8, length), new JsonDocumentOptions { MaxDepth = 8 });
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Refusal.At(subject, 8, "the header is not a JSON object");
            foreach (var property in json.RootElement.EnumerateObject()) ReadProperty(property, subject);
        }
        // InvalidOperationException: a string with half a surrogate pair, which System.Text.Json reports so.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UserError(subject, $"at byte 8: the header is not valid JSON ({e.Message})", "", Refusal.Damaged, inner: e);
        }

        CheckCoverage(subject);
    }

    void ReadProperty(JsonProperty property, string subject)
    {
        var name = property.Name;
        var value = property.Value;
        if (value.ValueKind != JsonValueKind.Object) throw Refusal.At(subject, 8, $"header entry '{Refusal.Show(name)}' is not an object");
        if (name == Safetensors.MetadataKey)
        {
            foreach (var entry in value.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String) throw Refusal.At(subject, 8, $"metadata '{Refusal.Show(entry.Name)}' is not text");
                _metadata[entry.Name] = entry.Value.GetString()!;
            }

            return;
        }

        var about = $"{subject} : {Refusal.Show(name)}";
        var dtype = value.TryGetProperty("dtype", out var typed) && typed.ValueKind == JsonValueKind.String ? typed.GetString() : null;
        var type = Safetensors.TypeOf(dtype) ?? throw Refusal.At(about, 8, $"type '{Refusal.Show(dtype ?? "none")}'", "F16, BF16, F32, F64, I8, U8, I16, I32, I64 or BOOL", "Convert the tensor");
        var shape = Numbers(value, "shape", about);
        var offsets = Numbers(value, "data_offsets", about);
        if (offsets is not [var begin, var end] || begin > end || end > _file.Length - _dataStart)
        {
            throw Refusal.At(about, 8, $"data offsets [{string.Join(", ", offsets)}]", $"a beginning and an end within {_file.Length - _dataStart} bytes");
        }

        if (!ArrayLayout.TryByteCount(type, shape, out var bytes) || bytes != end - begin)
        {
            throw Refusal.At(about, 8, $"{end - begin} bytes of data", $"{bytes} for shape ({string.Join(", ", shape)}) of {type}");
        }

        if (!_tensors.TryAdd(name, new Tensor(type, shape, begin, end))) throw Refusal.At(about, 8, "the name occurs twice");
        _names.Add(name);
    }

    static long[] Numbers(JsonElement value, string key, string subject)
    {
        if (!value.TryGetProperty(key, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > ArrayLayout.MaxDimensions)
        {
            throw Refusal.At(subject, 8, $"'{key}' is missing or no short list");
        }

        return [.. list.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt64(out var number) && number >= 0
            ? number
            : throw Refusal.At(subject, 8, $"'{key}' holds {Refusal.Show(e.GetRawText())}", "whole numbers from 0"))];
    }

    /// <summary>The format demands that the tensors cover the data exactly: a gap could hide something, an overlap is never meant.</summary>
    void CheckCoverage(string subject)
    {
        _names.Sort((a, b) => (_tensors[a].Begin, _tensors[a].End).CompareTo((_tensors[b].Begin, _tensors[b].End)));
        var at = 0L;
        foreach (var name in _names)
        {
            if (_tensors[name].Begin != at) throw Refusal.At($"{subject} : {Refusal.Show(name)}", _dataStart + at, $"the data begin at offset {_tensors[name].Begin}", $"{at}, where the tensor before ends");
            at = _tensors[name].End;
        }

        if (at != _file.Length - _dataStart) throw Refusal.At(subject, _dataStart + at, $"{_file.Length - _dataStart - at} bytes after the last tensor", "none");
    }
}
