using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// One dict of a retrieval set, under the key names of YouCook2 (`2d`, `3d`, `caption`) or of MSR-VTT and LSMDC (`2d_pooled`,
/// `3d_pooled`, `eval_caption`). Whatever is wrong is said with file, item and key.
/// </summary>
sealed class RetrievalItem
{
    const float SmallestNorm = 1e-12f;

    readonly string file;
    readonly int index;
    readonly Dictionary<object, object?> values;

    public RetrievalItem(string file, int index, object? value)
    {
        this.file = file;
        this.index = index;
        values = value as Dictionary<object, object?> ?? throw Error($"a {PythonValue.KindOf(value)}", "a dict");
    }

    /// <summary>The key names of MSR-VTT and LSMDC.</summary>
    public bool IsPooled => values.ContainsKey("2d_pooled");

    /// <summary>MSR-VTT: 32 of the 1,000 test clips have no sound. Other sets must have it.</summary>
    public bool LacksAudio => IsPooled && values.GetValueOrDefault("audio") is null or HostArray { Count: 0 };

    public string Id()
    {
        var (key, value) = Find("id");
        return PythonValue.Text(value) ?? throw Error($"`{key}` is a {PythonValue.KindOf(value)}", "a str");
    }

    /// <summary>The sentence; the first one of a list.</summary>
    public string Caption()
    {
        var (key, value) = Find("eval_caption", "caption");
        if (PythonValue.Length(value) == 0) throw Error($"`{key}` is empty", "a str or a list of str");
        if (PythonValue.Length(value) > 0) value = PythonValue.At(value, 0);
        return PythonValue.Text(value) ?? throw Error($"`{key}` is a {PythonValue.KindOf(value)}", "a str or a list of str");
    }

    /// <summary>2d and 3d features, each scaled to length 1, one after the other.</summary>
    /// <returns>The lengths they had.</returns>
    public (float Norm2d, float Norm3d) CopyVideo(Span<float> destination)
    {
        var (key2d, value2d) = Find("2d", "2d_pooled");
        var (key3d, value3d) = Find("3d", "3d_pooled");
        var (part2d, part3d) = (Floats(key2d, value2d), Floats(key3d, value3d));
        if (part2d.Count + part3d.Count != destination.Length)
        {
            throw Error($"`{key2d}` of width {part2d.Count} and `{key3d}` of width {part3d.Count}",
                $"model.feature_dim = {destination.Length} together");
        }

        return (CopyUnit(key2d, part2d, destination[..(int)part2d.Count]), CopyUnit(key3d, part3d, destination[(int)part2d.Count..]));
    }

    /// <summary>(bands, frames) in half or single precision, in memory of its own.</summary>
    public HostArray Audio(int bands)
    {
        var (key, value) = Find("audio");
        var array = Floats(key, value);
        if (array.Shape.Length != 2 || array.Shape[0] != bands)
            throw Error($"`{key}` is an {PythonValue.KindOf(array)}", $"(model.mel_bands = {bands}, frames)");
        if (array.Type == ArrayType.Float16)
        {
            if (!TensorPrimitives.IsFiniteAll(array.As<Half>())) throw NotFinite(key);
            return new HostArray(array.Type, array.Shape, array.Data.ToArray());
        }

        var singles = array.ToSingles();
        if (!TensorPrimitives.IsFiniteAll<float>(singles)) throw NotFinite(key);
        return new HostArray(ArrayType.Float32, array.Shape, MemoryMarshal.AsBytes(singles.AsSpan()).ToArray());
    }

    float CopyUnit(string key, HostArray part, Span<float> destination)
    {
        part.CopyTo(0, destination);
        if (!TensorPrimitives.IsFiniteAll<float>(destination)) throw NotFinite(key);
        var norm = TensorPrimitives.Norm<float>(destination);
        TensorPrimitives.Divide(destination, Math.Max(norm, SmallestNorm), destination);
        return norm;
    }

    HostArray Floats(string key, object? value) =>
        value is HostArray { IsFloat: true } array
            ? array
            : throw Error($"`{key}` is a {PythonValue.KindOf(value)}", "an array of half, single or double precision");

    (string Key, object? Value) Find(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            if (values.TryGetValue(key, out var value)) return (key, value);
        var present = string.Join(", ", values.Keys.Take(12));
        throw Error($"the keys are {present}", string.Join(" or ", keys.ToArray().Select(key => $"`{key}`")));
    }

    UserError NotFinite(string key) => Error($"`{key}` holds NaN or infinity", "finite numbers");

    UserError Error(string found, string expected) =>
        new($"{file}, item {index}", found, expected, "Correct the file or take it off evaluation.eval_files");
}
