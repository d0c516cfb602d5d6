using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>How the arrays of a video are stored in a shard.</summary>
public enum PackEncoding
{
    /// <summary>Every array as it is in the original's layout, which is half precision as a rule.</summary>
    Fp16,

    /// <summary>Every array in 8 bits: a scale and an offset for each feature row, one for the spectrogram.</summary>
    U8,

    /// <summary>One pooled row a caption in single precision, exactly as the loader computes it; the spectrogram as it is.</summary>
    Pooled,

    /// <summary>One pooled row a caption in 8 bits, scale and offset each; the spectrogram in 8 bits.</summary>
    PooledU8,
}

/// <summary>Names of the encodings on the command line and in files.</summary>
public static class PackEncodings
{
    static readonly Dictionary<string, PackEncoding> Names = new(StringComparer.Ordinal)
    {
        ["fp16"] = PackEncoding.Fp16, ["u8"] = PackEncoding.U8, ["pooled"] = PackEncoding.Pooled, ["pooled-u8"] = PackEncoding.PooledU8,
    };

    public static IEnumerable<string> All => Names.Keys;

    public static string NameOf(PackEncoding encoding) => Names.First(pair => pair.Value == encoding).Key;

    public static PackEncoding Parse(string name, string subject) => Names.TryGetValue(name, out var encoding) ? encoding
        : throw new UserError(subject, $"encoding '{name}'", string.Join(", ", Names.Keys), "", ExitCodes.Usage);

    public static bool IsPooled(this PackEncoding encoding) => encoding is PackEncoding.Pooled or PackEncoding.PooledU8;

    public static bool Is8Bit(this PackEncoding encoding) => encoding is PackEncoding.U8 or PackEncoding.PooledU8;
}
