using System.Diagnostics;
using System.IO.Hashing;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Checkpoints of one run: `checkpoints/step-NNNNNNNNNN/` with the tensors in .safetensors files and `state.json`. Written to a
/// temporary folder, each file flushed, the manifest last, then renamed: under its final name a checkpoint is complete. The newest one
/// whose content matches its manifest is used; a damaged one is set aside, never deleted.
/// </summary>
public sealed class CheckpointStore(RunFolder folder, RunIdentity identity, string dataset, int keepLast, TimeProvider time)
{
    const string ManifestName = "state.json";
    const string TemporaryPrefix = ".writing-";
    const string DamagedPrefix = "damaged-";
    const long ReserveBytes = 16L << 20;

    /// <summary>Saves everything that training needs to go on exactly.</summary>
    /// <exception cref="UserError">No space, or the disk refuses; what was there before is untouched, nothing half-written stays.</exception>
    public CheckpointWritten Save(GpuRank rank, TrainingPosition position)
    {
        var began = Stopwatch.GetTimestamp();
        if (!rank.IsFinite())
        {
            throw new UserError($"step {position.Step}", "weights that are not finite", "finite numbers",
                "They are not saved: the last checkpoint is from before. Lower optimizer.lr, or look for non-finite input");
        }

        var name = RunFolder.CheckpointName(position.Step);
        var target = Path.Combine(folder.Checkpoints, name);
        var temporary = Path.Combine(folder.Checkpoints, TemporaryPrefix + name);
        try
        {
            Directory.CreateDirectory(folder.Checkpoints);
            RemoveLeftovers();
            var parts = Parts(rank);
            RequireSpace(target, parts.Sum(part => TensorFile.Bytes(part.Tensors)) + ReserveBytes);
            Directory.CreateDirectory(temporary);
            var files = parts.Select(part => WriteTensors(temporary, part.Name, part.Tensors)).ToArray();
            var manifest = ManifestOf(rank, position, files);
            DurableFile.Replace(Path.Combine(temporary, ManifestName), stream =>
                JsonSerializer.Serialize(stream, manifest, McnJson.ForFiles.CheckpointManifest));
            if (Directory.Exists(target)) Directory.Delete(target, recursive: true); // the same step, saved by an earlier incarnation
            Directory.Move(temporary, target);
            DurableFile.FlushFolder(folder.Checkpoints);
            Prune();
            return new CheckpointWritten
            {
                Step = position.Step,
                Path = target,
                Bytes = files.Sum(file => file.Bytes),
                DurationSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            RemoveLeftovers();
            throw new UserError(target, $"cannot be written ({error.Message})", "", "Training goes on and tries again; make the disk writable", inner: error);
        }
    }

    /// <summary>The newest complete checkpoint, or null when there is none.</summary>
    /// <param name="damaged">Told of each one that was set aside, with the reason.</param>
    public (string Path, CheckpointManifest Manifest)? FindNewest(Action<string> damaged)
    {
        foreach (var path in Existing().Reverse())
        {
            var (manifest, fault) = Verify(path);
            if (manifest is not null) return (path, manifest);
            var aside = Path.Combine(folder.Checkpoints, $"{DamagedPrefix}{Path.GetFileName(path)}-{time.GetUtcNow():yyyyMMddHHmmss}");
            Directory.Move(path, aside);
            damaged($"{path}: {fault}; set aside as {Path.GetFileName(aside)}, the one before it is used");
        }

        return null;
    }

    /// <summary>Puts a checkpoint's state into the rank.</summary>
    /// <exception cref="UserError">It belongs to other data or another network.</exception>
    public TrainingPosition Restore(string path, CheckpointManifest manifest, GpuRank rank)
    {
        if (manifest.Dataset != dataset)
        {
            throw new UserError(path, $"made on data set {manifest.Dataset}", $"data set {dataset}",
                "List, captions or word vectors changed since; start a new run with --new", ExitCodes.Refused);
        }

        using var scope = NewDisposeScope();
        rank.Adam.StepsTaken = manifest.AdamSteps;
        var hasCentroids = manifest.Step > 0;
        if (rank.Clusters is { } clusters && hasCentroids && clusters.Centroids is null)
            clusters.Restore(zeros(rank.Config.Objective.ClusterSize, rank.Config.Model.EmbdDim, device: rank.Device));
        foreach (var part in Parts(rank)) TensorFile.Restore(Path.Combine(path, part.Name), part.Tensors);
        rank.Clusters?.Queue?.Restore(manifest.QueueHead!.Value, manifest.QueueFilled!.Value);
        return new TrainingPosition(manifest.Step, manifest.Epoch, manifest.StepInEpoch, manifest.EpochsClosed);
    }

    static (string Name, (string Name, Tensor Value)[] Tensors)[] Parts(GpuRank rank)
    {
        var network = rank.Network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => (entry.Key, entry.Value)).ToArray();
        var moments = rank.Adam.Moments.SelectMany(m => new[] { ($"exp_avg.{m.Name}", m.First), ($"exp_avg_sq.{m.Name}", m.Second) }).ToArray();
        var clusters = new List<(string, Tensor)>();
        if (rank.Clusters?.Queue is { } queue) clusters.Add(("queue", queue.Ring));
        if (rank.Clusters?.Centroids is { } centroids) clusters.Add(("centroids", centroids));
        return [("model.safetensors", network), ("optimizer.safetensors", moments), ("clusters.safetensors", [.. clusters])];
    }

    CheckpointManifest ManifestOf(GpuRank rank, TrainingPosition position, CheckpointFile[] files) => new()
    {
        FormatVersion = ProtocolVersion.Checkpoint,
        RunId = identity.RunId,
        Incarnation = identity.Incarnation,
        Time = time.GetUtcNow(),
        Step = position.Step,
        Epoch = position.Epoch,
        StepInEpoch = position.StepInEpoch,
        EpochsClosed = position.EpochsClosed,
        AdamSteps = rank.Adam.StepsTaken,
        QueueHead = rank.Clusters?.Queue?.Head,
        QueueFilled = rank.Clusters?.Queue?.Filled,
        Dataset = dataset,
        Files = files,
    };

    CheckpointFile WriteTensors(string directory, string name, (string Name, Tensor Value)[] tensors)
    {
        var path = Path.Combine(directory, name);
        var metadata = new Dictionary<string, string> { ["run"] = identity.RunId, ["format_version"] = $"{ProtocolVersion.Checkpoint}" };
        DurableFile.Replace(path, stream => TensorFile.Write(stream, tensors, metadata));
        return new CheckpointFile(name, new FileInfo(path).Length, HashOf(path));
    }

    static (CheckpointManifest? Manifest, string Fault) Verify(string path)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(path, ManifestName)), McnJson.Default.CheckpointManifest)!;
            if (manifest.FormatVersion > ProtocolVersion.Checkpoint)
            {
                throw new UserError(path, $"checkpoint version {manifest.FormatVersion}", $"version {ProtocolVersion.Checkpoint} or older",
                    "Go on with the program that wrote it", ExitCodes.Refused);
            }

            foreach (var file in manifest.Files)
            {
                var part = new FileInfo(Path.Combine(path, file.Name));
                if (!part.Exists) return (null, $"{file.Name} is missing");
                if (part.Length != file.Bytes) return (null, $"{file.Name} has {part.Length} bytes instead of {file.Bytes}");
                if (HashOf(part.FullName) != file.Xxh128) return (null, $"{file.Name} differs from its checksum");
            }

            return (manifest, "");
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return (null, $"{ManifestName}: {error.Message}");
        }
    }

    static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        var hash = new XxHash128();
        hash.Append(stream);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    static void RequireSpace(string target, long needed)
    {
        var free = new DriveInfo(Path.GetDirectoryName(target)!).AvailableFreeSpace;
        if (free >= needed) return;
        throw new UserError(target, $"{free:N0} bytes free", $"{needed:N0} bytes for the checkpoint",
            "Training goes on and tries again at the next checkpoint; free space, or lower checkpoint.keep_last");
    }

    /// <summary>Complete checkpoints, oldest first; the names sort by step.</summary>
    IEnumerable<string> Existing() =>
        Directory.Exists(folder.Checkpoints) ? Directory.EnumerateDirectories(folder.Checkpoints, "step-*").Order(StringComparer.Ordinal) : [];

    void Prune()
    {
        foreach (var path in Existing().SkipLast(keepLast)) Directory.Delete(path, recursive: true);
    }

    void RemoveLeftovers()
    {
        if (!Directory.Exists(folder.Checkpoints)) return;
        foreach (var path in Directory.EnumerateDirectories(folder.Checkpoints, TemporaryPrefix + "*")) Directory.Delete(path, recursive: true);
    }
}
