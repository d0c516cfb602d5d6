using System.Diagnostics;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Writes the checkpoints of one run. Space is decided first; a temporary folder, every file flushed, the manifest last, renamed, the
/// parent flushed, read back and compared; only then are older ones pruned. Under its final name a checkpoint is complete. A damaged one
/// is set aside, never deleted. One thread at a time.
/// </summary>
public sealed class CheckpointStore(RunFolder folder, CheckpointConfig config, TimeProvider time)
{
    const string TemporaryPrefix = ".writing-";
    const string ReplacedPrefix = ".replaced-";
    const string DamagedPrefix = "damaged-";

    /// <summary>Folder, manifest and proof, and what others make meanwhile.</summary>
    const int ReserveInodes = 32;

    /// <summary>Manifest, proof and the headers of the tensor files.</summary>
    const long SmallBytes = 4L << 20;

    /// <summary>Writes a snapshot from memory to disk.</summary>
    /// <exception cref="UserError">No space (exit code Storage), or the disk refuses; what was there before is untouched, nothing half-written stays.</exception>
    internal CheckpointOnDisk Write(SnapshotSlot slot, ImageTable table)
    {
        var name = RunFolder.CheckpointName(table.Manifest.Step);
        var target = Path.Combine(folder.Checkpoints, name);
        var temporary = Path.Combine(folder.Checkpoints, TemporaryPrefix + name);
        try
        {
            Directory.CreateDirectory(folder.Checkpoints);
            RemoveLeftovers();
            RequireSpace(target, table);
            Directory.CreateDirectory(temporary);
            FaultPoint.Reached("folder");
            var files = table.Entries.GroupBy(entry => entry.File).Select(part => TensorFile.Write(temporary, part.Key, [.. part], slot, table.Manifest)).ToArray();
            var manifest = table.Manifest with { Files = files };
            DurableFile.Replace(Path.Combine(temporary, CheckpointFolder.ManifestName), stream =>
                JsonSerializer.Serialize(stream, manifest, McnJson.ForFiles.CheckpointManifest));
            FaultPoint.Reached("manifest");
            DurableFile.FlushFolder(temporary);
            Place(temporary, target, name);
            FaultPoint.Reached("renamed");
            var verifying = Stopwatch.GetTimestamp();
            if (CheckpointFolder.Verify(target) is { Manifest: null, Fault: var fault }) throw new IOException($"read back: {fault}; set aside as {SetAside(target)}");
            var verify = Stopwatch.GetElapsedTime(verifying);
            RemoveLeftovers();
            var kept = Prune();
            FaultPoint.Reached("pruned");
            return new CheckpointOnDisk(target, files.Sum(file => file.Bytes), verify, kept);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryRemoveLeftovers();
            throw new UserError(target, $"cannot be written ({error.Message})", "", "Training goes on and tries again; make the disk writable", ExitCodes.Storage, error);
        }
    }

    /// <summary>The newest complete checkpoint, or null when there is none.</summary>
    /// <param name="damaged">Told of each one that was set aside, with the reason.</param>
    public (string Path, CheckpointManifest Manifest)? FindNewest(Action<string> damaged)
    {
        TryRemoveLeftovers();
        foreach (var path in CheckpointFolder.Paths(folder.Checkpoints).Reverse())
        {
            var (manifest, fault) = CheckpointFolder.Verify(path);
            if (manifest is not null) return (path, manifest);
            damaged($"{path}: {fault}; set aside as {SetAside(path)}, the one before it is used");
        }

        return null;
    }

    /// <summary>What the step after a checkpoint gave, beside it. Without it nothing is proven and nothing lost: failures are let go.</summary>
    public static void WriteProof(string path, StepProof proof)
    {
        try
        {
            DurableFile.Replace(Path.Combine(path, CheckpointFolder.ProofName), stream => JsonSerializer.Serialize(stream, proof, McnJson.ForFiles.StepProof));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Pruned meanwhile, or a full disk: the next checkpoint's own failure tells of that.
        }
    }

    /// <summary>As <see cref="CheckpointFolder.Mark"/>, where a disk that refuses is told of elsewhere.</summary>
    internal static void TryMark(string path, string mark, string why)
    {
        try
        {
            CheckpointFolder.Mark(path, mark, why);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Without the mark the checkpoint stays as long as it is among the last.
        }
    }

    /// <summary>A checkpoint of this step that an earlier incarnation wrote gives way only once the new one has its name.</summary>
    void Place(string temporary, string target, string name)
    {
        if (Directory.Exists(target))
        {
            foreach (var mark in new[] { CheckpointFolder.PinnedMark, CheckpointFolder.BeforeCrashMark }.Where(mark => File.Exists(Path.Combine(target, mark))))
                File.Copy(Path.Combine(target, mark), Path.Combine(temporary, mark));
            Directory.Move(target, Path.Combine(folder.Checkpoints, ReplacedPrefix + name));
        }

        Directory.Move(temporary, target);
        DurableFile.FlushFolder(folder.Checkpoints);
    }

    void RequireSpace(string target, ImageTable table)
    {
        var needed = table.DataBytes + SmallBytes + config.ReserveBytes;
        var inodes = table.Entries.Select(entry => entry.File).Distinct().Count() + 3 + ReserveInodes;
        var space = FileSystemSpace.Of(folder.Checkpoints);
        const string remedy = "Training goes on and tries again at the next checkpoint; free space, or lower checkpoint.keep_last";
        if (space.FreeBytes is { } bytes && bytes < needed)
            throw new UserError(target, $"{bytes:N0} bytes free", $"{needed:N0} bytes: the checkpoint and a reserve of {config.ReserveBytes:N0} (No space left on device)", remedy, ExitCodes.Storage);
        if (space.FreeInodes is { } files && files < inodes)
            throw new UserError(target, $"{files:N0} inodes free", $"{inodes:N0} inodes: bytes are free, but no more files can be made", "Delete small files on that disk", ExitCodes.Storage);
    }

    string SetAside(string path)
    {
        var aside = $"{DamagedPrefix}{Path.GetFileName(path)}-{time.GetUtcNow():yyyyMMddHHmmssfff}";
        Directory.Move(path, Path.Combine(folder.Checkpoints, aside));
        return aside;
    }

    /// <summary>All that are on disk, oldest first, with the rules that keep each; one without any goes when the next is written.</summary>
    internal IReadOnlyList<KeptCheckpoint> Kept() =>
        [.. CheckpointRetention.Decide(CheckpointFolder.List(folder.Checkpoints), config).Select(decided => Describe(decided.Entry, decided.KeptBy))];

    List<KeptCheckpoint> Prune()
    {
        List<KeptCheckpoint> kept = [];
        foreach (var (entry, keptBy) in CheckpointRetention.Decide(CheckpointFolder.List(folder.Checkpoints), config))
        {
            if (keptBy.Count == 0) Directory.Delete(entry.Path, recursive: true);
            else kept.Add(Describe(entry, keptBy));
        }

        return kept;
    }

    static KeptCheckpoint Describe(CheckpointEntry entry, IReadOnlyList<string> keptBy) =>
        new(entry.Step, entry.Manifest.Time, entry.Bytes, entry.Manifest.Metric, keptBy);

    /// <summary>What a process that died left: halves go; one that was to be replaced comes back unless its successor is there.</summary>
    void RemoveLeftovers()
    {
        if (!Directory.Exists(folder.Checkpoints)) return;
        foreach (var path in Directory.GetDirectories(folder.Checkpoints, TemporaryPrefix + "*")) Directory.Delete(path, recursive: true);
        foreach (var path in Directory.GetDirectories(folder.Checkpoints, ReplacedPrefix + "*"))
        {
            var target = Path.Combine(folder.Checkpoints, Path.GetFileName(path)[ReplacedPrefix.Length..]);
            if (!Directory.Exists(target)) Directory.Move(path, target);
            else if (CheckpointFolder.Verify(target).Manifest is not null) Directory.Delete(path, recursive: true);
        }
    }

    void TryRemoveLeftovers()
    {
        try
        {
            RemoveLeftovers();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A read-only disk: they are not in the way, and go when it is writable again.
        }
    }
}

/// <param name="Verify">What reading back took.</param>
/// <param name="Kept">All that are there now.</param>
sealed record CheckpointOnDisk(string Path, long Bytes, TimeSpan Verify, IReadOnlyList<KeptCheckpoint> Kept);
