using System.Diagnostics;
using System.Runtime.InteropServices;
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
    readonly List<ShardPart> parts = [];
    int[] verified = []; // a bit a record
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
        var manifest = ReadManifest(folder);
        RequireAgreement(Path.Combine(folder, ShardFormat.Manifest), manifest, config);
        var store = new ShardStore(folder, manifest);
        try
        {
            for (var shard = 0; shard < manifest.Shards.Length; shard++) store.Add(shard, manifest.Shards[shard]);
            store.verified = new int[(store.records.Count + 31) / 32];
        }
        catch
        {
            store.Dispose();
            throw;
        }

        return store;
    }

    /// <summary>What a finished pack of this version holds.</summary>
    internal static PackManifest ReadManifest(string folder)
    {
        var path = Path.Combine(folder, ShardFormat.Manifest);
        // Other folders have a file of that name too, the sample set among them.
        if (!File.Exists(path) || !Directory.EnumerateFiles(folder, "shard-*").Any())
        {
            throw new UserError(folder, $"no {ShardFormat.Manifest} with shards there", "a finished pack",
                File.Exists(Path.Combine(folder, ShardFormat.Plan)) ? "`data pack` was interrupted there: run the same command again"
                : "Make one with `./mcn data pack CONFIG OUT`; what is no pack is named by its configuration");
        }

        var manifest = DurableJson.Read(path, ShardJson.Default.PackManifest);
        if (manifest.FormatVersion == ShardFormat.Version) return manifest;
        throw new UserError(path, $"format version {manifest.FormatVersion}", $"{ShardFormat.Version}",
            manifest.FormatVersion > ShardFormat.Version ? "A newer program made this pack: update this one" : "An older program made this pack: delete it and run `data pack` again");
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

    /// <summary>Number of the shard of a record.</summary>
    public int ShardOf(int record) => records[record].Shard;

    /// <summary>The tar of a record, for messages.</summary>
    public string PathOf(int record) => PathOfShard(records[record].Shard);

    /// <summary>Length of a tar.</summary>
    public long ShardBytesOf(int shard) => Manifest.Shards[shard].Bytes;

    internal ReadOnlySpan<ShardPart> PartsOf(int record) => CollectionsMarshal.AsSpan(parts).Slice(records[record].FirstPart, records[record].Parts);

    /// <summary>Where an array of a record lies.</summary>
    /// <exception cref="UserError">The record does not have it.</exception>
    internal ShardPart Part(int record, ShardArray array)
    {
        foreach (ref readonly var part in PartsOf(record))
            if (part.Array == array) return part;
        throw new UserError(PathOf(record), $"a record without {ShardFormat.SuffixOf(array)}", $"an array for encoding {Manifest.Encoding}", ShardCheck.Remedy);
    }

    /// <summary>Whether this process has compared the record with its checksums.</summary>
    internal bool IsVerified(int record) => (Volatile.Read(ref verified[record / 32]) & (1 << (record % 32))) != 0;

    internal void MarkVerified(int record) => Interlocked.Or(ref verified[record / 32], 1 << (record % 32));

    /// <summary>Told each read before it is made (shard, offset, bytes), on the thread that makes it.</summary>
    internal Action<int, long, int>? OnRead { get; set; }

    /// <summary>Fills the span from a place in a shard.</summary>
    internal void Read(int shard, long offset, Span<byte> destination, ReadMeter meter)
    {
        OnRead?.Invoke(shard, offset, destination.Length);
        var began = Stopwatch.GetTimestamp();
        for (var done = 0; done < destination.Length;)
        {
            int got;
            try
            {
                got = RandomAccess.Read(files[shard], destination[done..], offset + done);
            }
            catch (IOException error)
            {
                throw new UserError(PathOfShard(shard), $"at byte {offset + done}: cannot be read ({error.Message})", "", "Check the disk or the network mount", inner: error);
            }

            if (got == 0) throw Refusal.At(PathOfShard(shard), offset + done, "the shard ended here", $"{Manifest.Shards[shard].Bytes} bytes", ShardCheck.Remedy);
            done += got;
        }

        meter.Add(destination.Length, Stopwatch.GetTimestamp() - began);
    }

    string PathOfShard(int shard) => Path.Combine(folder, Manifest.Shards[shard].Tar);

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
            recordOfPath[record.Path] = records.Count;
            var arrays = record.Members.Where(member => member.Dtype is not null).Select(member => ShardPart.Of(member, shard.Bytes, ShardFormat.IndexOf(path))).ToArray();
            records.Add(new Place(number, parts.Count, arrays.Length));
            parts.AddRange(arrays);
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

    readonly record struct Place(int Shard, int FirstPart, int Parts);
}
