using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>What is asked of `data pack`.</summary>
/// <param name="Folder">Where the pack goes.</param>
/// <param name="Videos">A number of videos, drawn by the permutation, or a csv with a column `path`; null: all.</param>
/// <param name="Captions">First captions of each video; null: all.</param>
/// <param name="ShardBytes">A shard is closed before it grows beyond this.</param>
/// <param name="FitBytes">The pack ends before it grows beyond this; null: no bound.</param>
/// <param name="Seed">Of the permutation.</param>
/// <param name="Threads">That read and encode.</param>
public sealed record PackRequest(string Folder, PackEncoding Encoding, string? Videos, int? Captions, long ShardBytes, long? FitBytes, long Seed, int Threads);

/// <summary>The settings of a pack that is being made, as plan.json keeps them: a resumed one must be the same.</summary>
public sealed record PackPlan(int FormatVersion, string Encoding, string SourceFingerprint)
{
    internal static PackPlan Of(RunConfig config, PackRequest request, VideoList videos, int[] order, CaptionSpool captions)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(videos.Offsets));
        hash.Append(videos.AllPaths);
        hash.Append(MemoryMarshal.AsBytes(order.AsSpan()));
        hash.Append(Utf8(FormattableString.Invariant($"{captions.Hash} {request.Encoding} {request.Captions} {request.ShardBytes} {request.FitBytes} {request.Seed} {config.Data.MinTime:R} {config.Data.FeatureFramerate:R} {config.Model.FeatureDim} {config.Model.MelBands}")));
        return new PackPlan(ShardFormat.Version, PackEncodings.NameOf(request.Encoding), Convert.ToHexStringLower(hash.GetCurrentHash()));
    }

    /// <summary>Rows of the list in the order of the pack: one row a path, spread by the seeded permutation.</summary>
    internal static int[] Order(PackRequest request, VideoList videos)
    {
        var wanted = request.Videos is null || IsNumber(request.Videos, out _) ? null : Listed(request.Videos, videos);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var rows = Enumerable.Range(0, videos.Count).Where(row => seen.Add(videos.PathOf(row)) && wanted?.Contains(videos.PathOf(row)) != false).ToArray();
        var order = new CounterRandom(request.Seed, RandomPurpose.ShardOrder).Permutation(rows.Length).Select(i => rows[i]);
        if (request.Videos is null || !IsNumber(request.Videos, out var count)) return [.. order];
        if (count < 1 || count > rows.Length) throw new UserError("--videos", request.Videos, $"1 to the {rows.Length} of {videos.Source}", "", ExitCodes.Usage);
        return [.. order.Take(count)];
    }

    static HashSet<string> Listed(string csv, VideoList videos)
    {
        var list = VideoList.Read(csv);
        var wanted = Enumerable.Range(0, list.Count).Select(list.PathOf).ToHashSet(StringComparer.Ordinal);
        var known = Enumerable.Range(0, videos.Count).Select(videos.PathOf).ToHashSet(StringComparer.Ordinal);
        if (wanted.FirstOrDefault(path => !known.Contains(path)) is { } stranger)
            throw new UserError(csv, $"{stranger} is not in {videos.Source}", "paths of the configuration's list", "Correct the row", ExitCodes.Usage);
        return wanted;
    }

    static bool IsNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    static byte[] Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
