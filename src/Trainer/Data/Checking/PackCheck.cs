using System.Formats.Tar;
using System.IO.Hashing;
using System.Text;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>
/// Checks a pack without its original: list and captions, that each listed video has a record, and each shard from its front to its end —
/// the tar against its index, every member against its checksum, every array's header, shape and values. A finished shard is in the state
/// file at once. One thread, which is what a disk gives most to; memory: one member.
/// </summary>
public sealed class PackCheck
{
    const string Packed = "the bytes that were packed";

    readonly string folder;
    readonly PackManifest manifest;
    readonly VideoList videos;
    readonly CheckReport report;
    readonly Dictionary<string, int> rowOfPath = new(StringComparer.Ordinal);
    readonly HashSet<string> found = new(StringComparer.Ordinal);
    readonly FiniteScan scan = new();
    byte[] buffer = [];
    List<Finding> findings = [];

    PackCheck(string folder, string name)
    {
        this.folder = folder;
        manifest = ShardStore.ReadManifest(folder);
        videos = VideoList.Read(Path.Combine(folder, ShardFormat.Videos));
        for (var video = 0; video < videos.Count; video++) rowOfPath.TryAdd(videos.PathOf(video), video + 1);
        report = new CheckReport { Config = name, Videos = videos.Count };
    }

    /// <summary>Runs the check to its end.</summary>
    /// <param name="folder">The pack.</param>
    /// <param name="name">What was asked about, for the report.</param>
    /// <param name="stateFolder">Where the state file lies while the check is not complete.</param>
    /// <param name="progress">Called after each shard.</param>
    /// <exception cref="UserError">There is no finished pack.</exception>
    /// <exception cref="OperationCanceledException">The shards checked so far are in the state file.</exception>
    public static CheckReport Run(string folder, string name, string stateFolder, Action<CheckProgress> progress, CancellationToken stop)
    {
        var check = new PackCheck(folder, name);
        CaptionCheck.Run(Path.Combine(folder, ShardFormat.Captions), check.videos, check.report.Add);
        var identity = check.Identity();
        using var state = CheckState.Open(Path.Combine(stateFolder, $"check-{identity[..16]}.jsonl"), identity);
        check.CheckShards(state, progress, stop);
        for (var video = 0; video < check.videos.Count; video++)
        {
            var path = check.videos.PathOf(video);
            if (!check.found.Contains(path)) check.report.Add(new Finding(FindingKind.Missing, video + 1, path, "no record in any shard", "one for each row of the list"));
        }

        state.Delete();
        check.report.Sort();
        return check.report;
    }

    void CheckShards(CheckState state, Action<CheckProgress> progress, CancellationToken stop)
    {
        var finished = state.Finished.DistinctBy(chunk => chunk.Number).ToDictionary(chunk => chunk.Number);
        var (done, now, bytes) = (0, 0, 0L);
        for (var number = 0; number < manifest.Shards.Length; number++)
        {
            stop.ThrowIfCancellationRequested();
            findings = [];
            var index = Index(manifest.Shards[number]);
            foreach (var record in index?.Records ?? []) found.Add(record.Path);
            var records = manifest.Shards[number].Records;
            if (finished.TryGetValue(number, out var chunk)) report.ResumedVideos += records;
            else
            {
                chunk = new CheckedChunk(number, index is null ? 0 : Check(Path.Combine(folder, index.Tar), index, stop), findings);
                state.Append(chunk);
                (now, bytes) = (now + records, bytes + chunk.Bytes);
            }

            report.Bytes += chunk.Bytes;
            foreach (var finding in chunk.Findings) report.Add(finding);
            progress(new CheckProgress(done += records, now, report.Videos, bytes, report.Count));
        }
    }

    ShardIndex? Index(ShardFile shard)
    {
        var path = ShardFormat.IndexOf(Path.Combine(folder, shard.Tar));
        try
        {
            return DurableJson.Read(path, ShardJson.Default.ShardIndex, shard.IndexXxh3);
        }
        catch (UserError error)
        {
            Add(FindingKind.Unreadable, null, path, error.Message, "the index that was packed");
            return null;
        }
    }

    /// <returns>Bytes read.</returns>
    long Check(string path, ShardIndex index, CancellationToken stop)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
        }
        catch (Exception error) when (Refusal.IsIo(error))
        {
            foreach (var record in index.Records) Add(FindingKind.Missing, RowOf(record), path, Refusal.Io(path, error).Message, "the shard of this record");
            return 0;
        }

        using (file)
        {
            if (file.Length != index.Bytes) Add(FindingKind.Unreadable, null, path, $"{file.Length} bytes", $"{index.Bytes} bytes");
            var entries = Entries(file, path);
            var read = 0L;
            foreach (var record in index.Records)
            {
                stop.ThrowIfCancellationRequested();
                foreach (var member in record.Members) read += Check(file, path, index.Bytes, record, member, entries);
            }

            return read;
        }
    }

    /// <summary>Name → place and length, as the tar has them; what comes after a damaged header is not in it.</summary>
    Dictionary<string, (long Offset, long Length)> Entries(FileStream file, string path)
    {
        var entries = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        try
        {
            using var tar = new TarReader(file, leaveOpen: true);
            while (tar.GetNextEntry() is { } entry)
                if (entry.EntryType == TarEntryType.RegularFile) entries[entry.Name] = (entry.DataOffset, entry.Length);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException)
        {
            Add(FindingKind.Unreadable, null, path, $"the tar ends or is damaged: {error.Message}", "a whole tar");
        }

        return entries;
    }

    long Check(FileStream file, string path, long shardBytes, ShardRecord record, ShardMember member, Dictionary<string, (long Offset, long Length)> entries)
    {
        var (row, subject) = (RowOf(record), $"{path} : {member.Name}");
        if (!entries.TryGetValue(member.Name, out var entry)) Add(FindingKind.Unreadable, row, subject, "the tar has no such member", "what its index says");
        else if (entry != (member.Offset, member.Length))
            Add(FindingKind.Unreadable, row, subject, $"{entry.Length} bytes at {entry.Offset} in the tar", $"{member.Length} bytes at {member.Offset}, as in its index");

        if (buffer.Length < member.Length) buffer = new byte[member.Length];
        var bytes = buffer.AsMemory(0, (int)member.Length);
        file.Position = member.Offset;
        var got = file.ReadAtLeast(bytes.Span, bytes.Length, throwOnEndOfStream: false);
        if (got < bytes.Length) Add(FindingKind.Unreadable, row, subject, $"{got} bytes at {member.Offset}", $"{bytes.Length} bytes");
        else if (ShardCheck.HashOf(bytes.Span) is var hash && hash != member.Xxh3) Add(FindingKind.Unreadable, row, subject, $"checksum {hash}", $"{member.Xxh3}: {Packed}");
        else if (member.Dtype is not null) CheckArray(row, subject, shardBytes, member, bytes);
        return got;
    }

    void CheckArray(int? row, string subject, long shardBytes, ShardMember member, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var part = ShardPart.Of(member, shardBytes, subject);
            var array = Npy.Read(bytes, subject);
            if (array.Type != part.Type || !array.Shape.AsSpan().SequenceEqual(member.Shape))
                Add(FindingKind.WrongShape, row, subject, $"{array.Type} of shape ({string.Join(", ", array.Shape)})", $"{part.Type} of shape ({string.Join(", ", member.Shape!)}), as in its index");
            else if (array.IsFloat && scan.FirstNotFinite(array) is >= 0 and var at)
                Add(FindingKind.NotFinite, row, subject, $"value {at} is NaN or infinite", "finite numbers");
        }
        catch (UserError error)
        {
            Add(FindingKind.Unreadable, row, subject, error.Message, Packed);
        }
    }

    int? RowOf(ShardRecord record) => rowOfPath.TryGetValue(record.Path, out var row) ? row : null;

    void Add(string kind, int? row, string subject, string found, string expected) => findings.Add(new Finding(kind, row, subject, found, expected));

    /// <summary>The manifest names every file with its checksum.</summary>
    string Identity()
    {
        var hash = new XxHash128();
        hash.Append(File.ReadAllBytes(Path.Combine(folder, ShardFormat.Manifest)));
        hash.Append(Encoding.UTF8.GetBytes(Path.GetFullPath(folder)));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
