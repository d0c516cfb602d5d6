using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// A network's weights on the host, from any file that <see cref="WeightFile"/> reads, on their way into a network. Strict: what is
/// missing, unexpected or of another shape is refused with the whole list and the network stays as it was. Taking only what fits is
/// <see cref="CopyWhatFits"/>, which says what was left.
/// </summary>
public sealed class NetworkWeights(string subject, IReadOnlyDictionary<string, HostArray> arrays)
{
    public NetworkWeights(WeightFile file)
        : this(file.Path, file.Arrays)
    {
    }

    /// <summary>The file, for messages.</summary>
    public string Subject => subject;

    public IReadOnlyDictionary<string, HostArray> Arrays => arrays;

    public static NetworkWeights Read(string path) => new(WeightFile.Read(path));

    /// <summary>
    /// The sizes of the network that these are the weights of, read off the shapes, every entry checked against them. So a network
    /// made with them is no larger than the file.
    /// </summary>
    /// <exception cref="UserError">These are not the weights of one MCN network.</exception>
    public ModelConfig Sizes()
    {
        var video = Shape("GU_video.fc.weight", 2);
        var stem = Shape("DAVEnet.conv1.weight", 2, 3, 4);
        var layers = Enumerable.Range(1, 4).Select(layer => Shape($"DAVEnet.layer{layer}.0.conv1.weight", 3, 4)[0]);
        var recon = arrays.ContainsKey("recon_v.0.weight");
        int[] widths = [Size(stem[0]), .. layers.Select(Size)];
        var sizes = new ModelConfig
        {
            EmbdDim = Size(video[0]),
            FeatureDim = Size(video[1]),
            WeDim = Size(Shape("text_pooling_caption.fc.weight", 2)[1]),
            // (w, 1, bands, 1), or (w, bands, 1) of a 1-d convolution.
            MelBands = Size(stem.Aggregate(1L, (product, size) => product * size) / widths[0]),
            LayerWidths = widths,
            Recon = recon,
            ReconSize = recon ? Size(Shape("recon_v.0.weight", 2)[0]) : 1,
        };
        Require(sizes);
        return sizes;
    }

    /// <summary>Refuses weights that are not exactly those of a network of these sizes.</summary>
    /// <exception cref="UserError">With every difference.</exception>
    public void Require(ModelConfig sizes)
    {
        var differences = WeightDifferences.Between(arrays, sizes);
        if (differences.AreNone) return;
        throw new UserError(subject, differences.ToString(), $"the weights of {Describe(sizes)}",
            "Give the section `model` the sizes that the weights were made with, or take only what fits where that is offered");
    }

    /// <summary>Puts all weights into the network.</summary>
    /// <param name="sizes">The sizes that the network was made with.</param>
    /// <exception cref="UserError">Differences, all of them, or numbers that are not finite; nothing was copied.</exception>
    public void CopyInto(McnNetwork network, ModelConfig sizes)
    {
        Require(sizes);
        Copy(network, [.. arrays.Keys]);
    }

    /// <summary>
    /// Puts the weights of the right name and shape into the network and leaves the rest of it as it is. Who calls this shows the
    /// answer to the user.
    /// </summary>
    /// <returns>What did not fit and what did.</returns>
    /// <exception cref="UserError">Nothing fits, or numbers that are not finite.</exception>
    public WeightDifferences CopyWhatFits(McnNetwork network, ModelConfig sizes)
    {
        var differences = WeightDifferences.Between(arrays, sizes);
        if (differences.Fitting.Count == 0) throw new UserError(subject, $"nothing fits ({differences})", $"weights of {Describe(sizes)}", "Is this a checkpoint of this model?");
        Copy(network, differences.Fitting);
        return differences;
    }

    /// <summary>Refuses NaN and infinities.</summary>
    public void RequireFinite() => RequireFinite(arrays.Keys);

    /// <summary>The same for one array; whole numbers are always finite.</summary>
    public static void RequireFinite(string subject, string name, HostArray array)
    {
        if (!array.IsFloat) return;
        Span<float> part = stackalloc float[4096];
        var count = checked((int)array.Count);
        for (var at = 0; at < count; at += part.Length)
        {
            var some = part[..Math.Min(part.Length, count - at)];
            array.CopyTo(at, some);
            if (!TensorPrimitives.IsFiniteAll<float>(some)) throw new UserError($"{subject} : {name}", "numbers that are not finite in single precision", "finite weights", "Take a checkpoint from before the numbers were lost");
        }
    }

    /// <summary>
    /// An entry as the network has it: single precision, or int64 for a counter, in the layout's shape. One that is never applied and is
    /// missing gets its starting value.
    /// </summary>
    public HostArray InLayout(string name, long[] shape)
    {
        var type = NetworkLayout.IsCounter(name) ? ArrayType.Int64 : ArrayType.Float32;
        if (!arrays.TryGetValue(name, out var array))
        {
            var start = name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal) ? 1f : 0f;
            return new HostArray(type, shape, type == ArrayType.Int64 ? new byte[sizeof(long)] : BitConverter.GetBytes(start));
        }

        if (array.Type == type) return new HostArray(type, shape, array.Data);
        return new HostArray(type, shape, type == ArrayType.Int64 ? BitConverter.GetBytes((long)array.As<int>()[0]) : MemoryMarshal.AsBytes(array.ToSingles().AsSpan()).ToArray());
    }

    /// <summary>The sizes under the names of the configuration's keys.</summary>
    public static string Describe(ModelConfig sizes) => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"embd_dim {sizes.EmbdDim}, feature_dim {sizes.FeatureDim}, we_dim {sizes.WeDim}, mel_bands {sizes.MelBands}, layer_widths [{string.Join(", ", sizes.LayerWidths)}], {(sizes.Recon ? $"recon_size {sizes.ReconSize}" : "recon false")}");

    void RequireFinite(IEnumerable<string> names)
    {
        foreach (var name in names) RequireFinite(subject, name, arrays[name]);
    }

    void Copy(McnNetwork network, IReadOnlyList<string> names)
    {
        RequireFinite(names);
        using var noGradient = no_grad();
        var state = network.state_dict();
        foreach (var name in names)
        {
            using var scope = NewDisposeScope();
            var (target, array) = (state[name], arrays[name]);
            var host = empty(target.shape, target.dtype);
            if (NetworkLayout.IsCounter(name)) MemoryMarshal.Write(host.bytes, array.Type == ArrayType.Int64 ? array.As<long>()[0] : array.As<int>()[0]);
            else array.CopyTo(0, MemoryMarshal.Cast<byte, float>(host.bytes));
            target.copy_(host);
        }
    }

    long[] Shape(string name, params int[] dimensions) =>
        arrays.TryGetValue(name, out var array) && dimensions.Contains(array.Shape.Length) && array.Count > 0
            ? array.Shape
            : throw new UserError(subject, arrays.ContainsKey(name) ? $"{name} has the shape ({string.Join(", ", array!.Shape)})" : $"no entry {name} among {arrays.Count}",
                "the weights of an MCN network", "Is this a checkpoint of this model?");

    int Size(long size) => size is >= 1 and <= 1 << 20 ? (int)size : throw new UserError(subject, $"a width of {size}", "1 to 1048576", "Is this a checkpoint of this model?");
}
