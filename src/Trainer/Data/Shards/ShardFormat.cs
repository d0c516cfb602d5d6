using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// Files of a pack: shard-NNNNNN.tar (WebDataset: npy members and a json of one name a video, not compressed), beside each its
/// shard-NNNNNN.index.json, videos.csv and caption.pickle in the original's layout, and manifest.json, which is written last. A
/// spectrogram is (bands, frames) in Fortran order, so that the frames of a clip lie together.
/// </summary>
static class ShardFormat
{
    public const int Version = 2;

    public const string Manifest = "manifest.json";
    public const string Plan = "plan.json";
    public const string Videos = "videos.csv";
    public const string Captions = "caption.pickle";
    public const string Lock = "pack.lock";

    // Members of a video: its id, then one of these.
    public const string Features2d = ".2d.npy";
    public const string Features3d = ".3d.npy";
    public const string Pooled2d = ".2d_pooled.npy";
    public const string Pooled3d = ".3d_pooled.npy";
    public const string Spectrogram = ".mel.npy";
    public const string Text = ".json";

    /// <summary>The scales of an 8-bit member, (rows, 2): scale and offset of each row.</summary>
    public static string ScaleOf(string suffix) => suffix[..^".npy".Length] + ".scale.npy";

    static readonly string[] Suffixes =
    [
        .. new[] { Features2d, Features3d, Pooled2d, Pooled3d, Spectrogram }.SelectMany(suffix => new[] { suffix, ScaleOf(suffix) }),
    ];

    /// <summary>The end of the name of an array's member.</summary>
    public static string SuffixOf(ShardArray array) => Suffixes[(int)array];

    /// <summary>The array of a member; null when this version knows none of this name.</summary>
    public static ShardArray? ArrayOf(string name) =>
        Array.FindIndex(Suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal)) is >= 0 and var found ? (ShardArray)found : null;

    public static string TarOf(int shard) => FormattableString.Invariant($"shard-{shard:D6}.tar");

    public static string IndexOf(string tar) => Path.ChangeExtension(tar, ".index.json");
}

/// <summary>A file inside a shard.</summary>
/// <param name="Name">As in the tar.</param>
/// <param name="Offset">Of its first byte in the shard.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Xxh3">XXH3-64 of its bytes, hex.</param>
/// <param name="Dtype">NumPy's; null for the json.</param>
/// <param name="Shape">Null for the json.</param>
public sealed record ShardMember(string Name, long Offset, long Length, string Xxh3, string? Dtype, long[]? Shape);

/// <summary>A video in a shard.</summary>
/// <param name="Path">Its row of the list.</param>
public sealed record ShardRecord(string Path, int Captions, ShardMember[] Members);

/// <summary>A video that was left out, and why.</summary>
public sealed record SkippedVideo(string Path, string Reason);

/// <summary>What lies where in one shard; the videos are numbered by their place in the pack's permutation.</summary>
/// <param name="First">Place of the first video that was tried.</param>
/// <param name="Next">Place after the last one.</param>
/// <param name="Bytes">Of the tar.</param>
/// <param name="Xxh3">XXH3-64 of the tar.</param>
public sealed record ShardIndex(int FormatVersion, string Tar, int First, int Next, long Bytes, string Xxh3, ShardRecord[] Records, SkippedVideo[] Skipped);

/// <summary>One shard in the manifest.</summary>
public sealed record ShardFile(string Tar, int Records, long Bytes, string Xxh3, long IndexBytes, string IndexXxh3);

/// <summary>What a pack holds, and what a configuration that reads it must agree with.</summary>
public sealed record PackManifest
{
    public required int FormatVersion { get; init; }

    public required string Encoding { get; init; }

    /// <summary>XXH3-128 of the list, the captions and the settings.</summary>
    public required string SourceFingerprint { get; init; }

    /// <summary>Of the permutation that spreads the videos over the shards.</summary>
    public required long Seed { get; init; }

    /// <summary>Seconds; the pooled rows depend on it.</summary>
    public required double MinTime { get; init; }

    /// <summary>Rows a second of the 2d features; the pooled rows depend on it.</summary>
    public required double FeatureFramerate { get; init; }

    public required int FeatureDim { get; init; }

    public required int MelBands { get; init; }

    /// <summary>First captions of each video that were kept; null: all.</summary>
    public required int? CaptionsKept { get; init; }

    /// <summary>Records; videos.csv may name one twice.</summary>
    public required int Videos { get; init; }

    public required long Captions { get; init; }

    /// <summary>Of all files of the pack but this one.</summary>
    public required long Bytes { get; init; }

    public required ShardFile[] Shards { get; init; }

    public required SkippedVideo[] Skipped { get; init; }
}

/// <summary>Serializer of a pack's files: snake_case, one source-generated context.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ShardIndex))]
[JsonSerializable(typeof(PackManifest))]
[JsonSerializable(typeof(PackPlan))]
sealed partial class ShardJson : JsonSerializerContext
{
    /// <summary>For people: indented, letters as they are.</summary>
    public static ShardJson ForFiles => Files.Context;

    // A nested class, because the order of static initialisers across the generated parts of this one is not defined.
    static class Files
    {
        internal static readonly ShardJson Context = new(new JsonSerializerOptions(Default.Options) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
