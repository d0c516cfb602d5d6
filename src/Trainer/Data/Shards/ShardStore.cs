using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// A pack that is open for reading: every shard once, whatever the number of readers, and its index as flat arrays. Reads are positional
/// and length-checked; never a memory map, because a file that is truncated while it is mapped ends the process. Safe from any thread.
/// </summary>
public sealed class ShardStore : IDisposable
{
    readonly string folder;
    readonly SafeFileHandle[] files;
    readonly List<Place> records = [];
    readonly List<Part> parts = [];
    readonly Dictionary<string, int> recordOfPath = new(StringComparer.Ordinal);

    ShardStore(string folder, PackManifest manifest)
    {
        this.folder = folder;
        Manifest = manifest;
        files = new SafeFileHandle[manifest.Shards.Length];
    }

    public PackManifest Manifest { get; }

    public PackEncoding Encoding => PackEncodings.Parse(Manifest.Encoding, Path.Combine(folder, ShardFormat.Manifest));

    /// <summary>The list of the pack, in the order of the list it was made from.</summary>
    public string VideosCsv => Path.Combine(folder, ShardFormat.Videos);

    public string CaptionPickle => Path.Combine(folder, ShardFormat.Captions);

    /// <summary>Opens the pack of a configuration and refuses one that was made for other settings.</summary>
    public static ShardStore Open(RunConfig config)
    {
        var folder = config.Data.Shards;
        var path = Path.Combine(folder, ShardFormat.Manifest);
        if (!File.Exists(path))
        {
            throw new UserError("data.shards", $"no {ShardFormat.Manifest} in {folder}", "a finished pack",
                File.Exists(Path.Combine(folder, ShardFormat.Plan)) ? "`data pack` was interrupted there: run the same command again" : "Make one with `./mcn data pack CONFIG OUT`");
        }

        var manifest = DurableJson.Read(path, ShardJson.Default.PackManifest);
        if (manifest.FormatVersion > ShardFormat.Version)
            throw new UserError(path, $"format version {manifest.FormatVersion}", $"at most {ShardFormat.Version}", "A newer program made this pack: update this one");
        RequireAgreement(path, manifest, config);
        var store = new ShardStore(folder, manifest);
        try
        {
            for (var shard = 0; shard < manifest.Shards.Length; shard++) store.Add(shard, manifest.Shards[shard]);
        }
        catch
        {
            store.Dispose();
            throw;
        }

        return store;
    }

    /// <summary>Row of the list → record.</summary>
    public int[] Map(VideoList videos)
    {
        var map = new int[videos.Count];
        for (var video = 0; video < map.Length; video++)
        {
            map[video] = recordOfPath.TryGetValue(videos.PathOf(video), out var record) ? record
                : throw new UserError(VideosCsv, $"row {video + 1}, {videos.PathOf(video)}, is in no shard", "the list that the pack was made with", ShardCheck.Remedy);
        }

        recordOfPath.Clear(); // a million strings
        recordOfPath.TrimExcess();
        return map;
    }

    public void Dispose()
    {
        foreach (var file in files) file?.Dispose();
    }

    /// <summary>Reads the arrays of a record in one piece and checks every one.</summary>
    /// <param name="record">From <see cref="Map"/>.</param>
    /// <param name="buffer">Grows to the longest record.</param>
    /// <param name="found">Filled by place of the suffix in <see cref="Suffixes"/>.</param>
    internal string Read(int record, ref byte[] buffer, HostArray?[] found, ReadMeter? meter)
    {
        var place = records[record];
        var path = Path.Combine(folder, Manifest.Shards[place.Shard].Tar);
        if (buffer.Length < place.Length) buffer = GC.AllocateUninitializedArray<byte>(place.Length);
        var began = Stopwatch.GetTimestamp();
        for (var done = 0; done < place.Length;)
        {
            int got;
            try
            {
                got = RandomAccess.Read(files[place.Shard], buffer.AsSpan(done, place.Length - done), place.Offset + done);
            }
            catch (IOException error)
            {
                throw new UserError(path, $"at byte {place.Offset + done}: cannot be read ({error.Message})", "", "Check the disk or the network mount", inner: error);
            }

            if (got == 0) throw Refusal.At(path, place.Offset + done, "the shard ended here", $"{Manifest.Shards[place.Shard].Bytes} bytes", ShardCheck.Remedy);
            done += got;
        }

        meter?.Add(place.Length, Stopwatch.GetTimestamp() - began);
        Array.Clear(found);
        foreach (var part in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(parts).Slice(place.FirstPart, place.Parts))
        {
            var bytes = buffer.AsMemory(part.Offset, part.Length);
            var hash = XxHash3.HashToUInt64(bytes.Span);
            if (hash != part.Hash) throw ShardCheck.Wrong(path, $"a member {Suffixes[part.Suffix]}", place.Offset + part.Offset, ShardCheck.Hex(hash), ShardCheck.Hex(part.Hash));
            found[part.Suffix] = Npy.Read(bytes, path);
        }

        return path;
    }

    /// <summary>Arrays that a record may have.</summary>
    internal static readonly string[] Suffixes =
    [
        .. new[] { ShardFormat.Features2d, ShardFormat.Features3d, ShardFormat.Pooled2d, ShardFormat.Pooled3d, ShardFormat.Spectrogram }
            .SelectMany(suffix => new[] { suffix, ShardFormat.ScaleOf(suffix) }),
    ];

    void Add(int number, ShardFile shard)
    {
        var path = Path.Combine(folder, shard.Tar);
        var index = DurableJson.Read(ShardFormat.IndexOf(path), ShardJson.Default.ShardIndex, shard.IndexXxh3);
        try
        {
            files[number] = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception error) when (Refusal.IsIo(error))
        {
            throw Refusal.Io(path, error);
        }

        ShardCheck.RequireLength(path, RandomAccess.GetLength(files[number]), shard.Bytes);
        foreach (var record in index.Records)
        {
            var arrays = record.Members.Where(member => member.Dtype is not null).ToArray();
            var (start, end) = (arrays.Min(member => member.Offset), arrays.Max(member => member.Offset + member.Length));
            if (start < 0 || end > shard.Bytes || end - start > Array.MaxLength)
                throw new UserError(ShardFormat.IndexOf(path), $"{record.Path} at bytes {start} to {end}", $"inside the shard's {shard.Bytes} bytes", ShardCheck.Remedy);
            recordOfPath[record.Path] = records.Count;
            records.Add(new Place(number, start, (int)(end - start), parts.Count, arrays.Length));
            foreach (var member in arrays)
            {
                var suffix = Array.FindIndex(Suffixes, suffix => member.Name.EndsWith(suffix, StringComparison.Ordinal));
                if (suffix < 0) throw new UserError(ShardFormat.IndexOf(path), $"a member {member.Name}", string.Join(", ", Suffixes), "A newer program made this pack: update this one");
                parts.Add(new Part((byte)suffix, (int)(member.Offset - start), (int)member.Length, ulong.Parse(member.Xxh3, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            }
        }
    }

    static void RequireAgreement(string path, PackManifest manifest, RunConfig config)
    {
        if (!PackEncodings.Parse(manifest.Encoding, path).IsPooled()) return;
        Require("data.min_time", config.Data.MinTime, manifest.MinTime);
        Require("data.feature_framerate", config.Data.FeatureFramerate, manifest.FeatureFramerate);

        void Require(string key, double asked, double packed)
        {
            if (asked == packed) return;
            throw new UserError(key, FormattableString.Invariant($"{asked} with {path}, whose features were pooled with {packed}"),
                FormattableString.Invariant($"{packed}"), FormattableString.Invariant($"Set it to {packed}, or pack again with `--encoding {manifest.Encoding}` and the new value"), ExitCodes.Usage);
        }
    }

    readonly record struct Place(int Shard, long Offset, int Length, int FirstPart, int Parts);

    readonly record struct Part(byte Suffix, int Offset, int Length, ulong Hash);
}
