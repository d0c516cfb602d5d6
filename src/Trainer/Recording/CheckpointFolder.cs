using System.IO.Hashing;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Trainer.Recording;

/// <param name="Path">Its folder.</param>
/// <param name="Marks">Files beside the manifest that say why it is to stay: <see cref="CheckpointFolder.PinnedMark"/>, <see cref="CheckpointFolder.BeforeCrashMark"/>.</param>
public sealed record CheckpointEntry(string Path, CheckpointManifest Manifest, IReadOnlyList<string> Marks)
{
    public long Step => Manifest.Step;

    public long Bytes => Manifest.Files.Sum(file => file.Bytes);
}

/// <summary>
/// What a checkpoint is on disk: `step-NNNNNNNNNN/` with tensors in .safetensors files, `state.json` written last, and beside it marks
/// and `next-step.json`. All but the marks is reading only; safe while a trainer writes.
/// </summary>
public static class CheckpointFolder
{
    public const string ManifestName = "state.json";
    public const string ProofName = "next-step.json";

    /// <summary>A person wants it kept.</summary>
    public const string PinnedMark = KeptCheckpoint.Pinned;

    /// <summary>The newest one when a trainer died.</summary>
    public const string BeforeCrashMark = "before-crash";

    /// <summary>Complete checkpoints, oldest first; the names sort by step.</summary>
    public static IEnumerable<string> Paths(string checkpoints) =>
        Directory.Exists(checkpoints) ? Directory.EnumerateDirectories(checkpoints, "step-*").Order(StringComparer.Ordinal) : [];

    /// <summary>Those whose manifest can be read, oldest first. Contents are not looked at: see <see cref="Verify"/>.</summary>
    public static IReadOnlyList<CheckpointEntry> List(string checkpoints)
    {
        List<CheckpointEntry> entries = [];
        foreach (var path in Paths(checkpoints))
        {
            try
            {
                string[] marks = [.. new[] { PinnedMark, BeforeCrashMark }.Where(mark => File.Exists(System.IO.Path.Combine(path, mark)))];
                entries.Add(new CheckpointEntry(path, ReadManifest(path), marks));
            }
            catch (Exception error) when (error is IOException or JsonException or UserError)
            {
                // Damaged, of another version, or pruned while we looked: whoever wants to use it is told.
            }
        }

        return entries;
    }

    /// <summary>The one after so many steps; null: it is not there (any more).</summary>
    public static CheckpointEntry? Find(string checkpoints, long step) => List(checkpoints).FirstOrDefault(entry => entry.Step == step);

    /// <summary>Whether every file is there as its manifest says, read from the disk and not from its cache.</summary>
    /// <returns>The manifest; or null and what is wrong.</returns>
    /// <exception cref="UserError">Written by a newer program.</exception>
    public static (CheckpointManifest? Manifest, string Fault) Verify(string path)
    {
        try
        {
            var manifest = ReadManifest(path);
            foreach (var file in manifest.Files)
            {
                var part = new FileInfo(System.IO.Path.Combine(path, file.Name));
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

    /// <summary>Marks a checkpoint to be kept, with a line that says why.</summary>
    public static void Mark(string path, string mark, string why) => DurableFile.Replace(System.IO.Path.Combine(path, mark), stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(why + "\n")));

    /// <summary>What the step after it gave; null: none was done, or the file is damaged.</summary>
    public static StepProof? Proof(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(System.IO.Path.Combine(path, ProofName)), McnJson.Default.StepProof);
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return null;
        }
    }

    static CheckpointManifest ReadManifest(string path)
    {
        var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(System.IO.Path.Combine(path, ManifestName)), McnJson.Default.CheckpointManifest)
            ?? throw new JsonException("null");
        if (manifest.FormatVersion <= ProtocolVersion.Checkpoint) return manifest;
        throw new UserError(path, $"checkpoint version {manifest.FormatVersion}", $"version {ProtocolVersion.Checkpoint} or older",
            "Go on with the program that wrote it", ExitCodes.Refused);
    }

    static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        DurableFile.ForgetCache(stream);
        var hash = new XxHash128();
        hash.Append(stream);
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
