using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>Named tensors to and from a .safetensors file.</summary>
static class TensorFile
{
    public static void Write(Stream stream, IReadOnlyList<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string> metadata) =>
        Safetensors.Write(stream, [.. tensors.Select(t => new SafetensorsEntry(t.Name, TypeOf(t.Value), t.Value.shape, target => WriteBytes(target, t.Value)))], metadata);

    /// <summary>Copies a file's tensors into those of the same name.</summary>
    /// <exception cref="UserError">Names or shapes differ; the first differences are listed and nothing is copied.</exception>
    public static void Restore(string path, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        using var noGrad = no_grad();
        using var file = SafetensorsFile.Open(path);
        var names = file.Names.ToHashSet();
        var missing = tensors.Where(t => !names.Contains(t.Name)).Select(t => $"{t.Name} missing");
        var extra = names.Except(tensors.Select(t => t.Name)).Select(name => $"{name} unknown");
        Refuse(path, [.. missing, .. extra]);
        var arrays = tensors.Select(t => (t.Name, t.Value, Array: file.Read(t.Name))).ToArray();
        Refuse(path, [.. arrays.Where(a => !a.Array.Shape.SequenceEqual(a.Value.shape) || a.Array.Type != TypeOf(a.Value)).Select(a =>
            $"{a.Name} {a.Array.Type} ({string.Join(", ", a.Array.Shape)}) instead of {TypeOf(a.Value)} ({string.Join(", ", a.Value.shape)})")]);
        foreach (var (_, value, array) in arrays)
        {
            using var scope = NewDisposeScope();
            var host = empty(value.shape, value.dtype);
            array.Data.Span.CopyTo(host.bytes);
            value.copy_(host);
        }
    }

    /// <summary>Bytes of the tensors' elements.</summary>
    public static long Bytes(IEnumerable<(string Name, Tensor Value)> tensors) => tensors.Sum(t => t.Value.NumberOfElements * t.Value.ElementSize);

    static void Refuse(string path, string[] differences)
    {
        const int shown = 5;
        if (differences.Length == 0) return;
        var list = string.Join("; ", differences.Take(shown)) + (differences.Length > shown ? $"; and {differences.Length - shown} more" : "");
        throw new UserError(path, list, "the tensors of this configuration's network", "Use the configuration that the checkpoint was made with");
    }

    static void WriteBytes(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        stream.Write(tensor.detach().cpu().contiguous().bytes);
    }

    static ArrayType TypeOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => ArrayType.Float32,
        ScalarType.Int64 => ArrayType.Int64,
        var other => throw new InvalidOperationException($"No file type for {other}"),
    };
}
