using System.Globalization;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// What `checkpoint verify` looks at: checksums of every file, every number finite, the network's names and shapes those of one network.
/// Reading only; a checkpoint is never moved or changed.
/// </summary>
public static class CheckpointVerification
{
    const string ManifestName = "state.json";

    /// <summary>The checkpoint folders of a run, oldest first; the names sort by step.</summary>
    public static IReadOnlyList<string> Paths(RunFolder run) =>
        Directory.Exists(run.Checkpoints) ? [.. Directory.EnumerateDirectories(run.Checkpoints, "step-*").Order(StringComparer.Ordinal)] : [];

    /// <summary>What a checkpoint says about itself; its files are not looked at.</summary>
    /// <exception cref="UserError">No manifest, a damaged one, or one of a newer program.</exception>
    public static CheckpointManifest Manifest(string path)
    {
        var name = Path.Combine(path, ManifestName);
        try
        {
            var manifest = JsonSerializer.Deserialize(File.ReadAllBytes(name), McnJson.Default.CheckpointManifest) ?? throw new JsonException("null");
            if (manifest.FormatVersion <= ProtocolVersion.Checkpoint) return manifest;
            throw new UserError(name, $"checkpoint version {manifest.FormatVersion}", $"version {ProtocolVersion.Checkpoint} or older", "Look at it with the program that wrote it", ExitCodes.Refused);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new UserError(name, $"cannot be read ({error.Message})", "the manifest of a checkpoint", "Take an older checkpoint", inner: error);
        }
    }

    /// <summary>One checkpoint folder or file of weights.</summary>
    /// <returns>Whether it is sound, and what was found.</returns>
    public static (bool IsSound, string Text) Of(string path)
    {
        try
        {
            // A folder that import made has no manifest: it is weights and nothing else.
            var isCheckpoint = File.Exists(Path.Combine(path, ManifestName)) || Path.GetFileName(path).StartsWith("step-", StringComparison.Ordinal);
            return (true, isCheckpoint ? Checkpoint(path) : Weights(WeightFile.Read(path)));
        }
        catch (UserError fault)
        {
            return (false, fault.Message);
        }
    }

    static string Checkpoint(string path)
    {
        var manifest = Manifest(path);
        foreach (var part in manifest.Files)
        {
            var file = new FileInfo(Path.Combine(path, part.Name));
            if (!file.Exists) throw Fault(path, $"{part.Name} is missing");
            if (file.Length != part.Bytes) throw Fault(path, $"{part.Name} has {file.Length} bytes instead of {part.Bytes}");
            if (WeightTransfer.HashOf(file.FullName) != part.Xxh128) throw Fault(path, $"{part.Name} differs from its checksum");
        }

        var numbers = 0L;
        foreach (var part in manifest.Files.Where(part => part.Name.EndsWith(".safetensors", StringComparison.Ordinal)))
        {
            using var file = SafetensorsFile.Open(Path.Combine(path, part.Name));
            foreach (var name in file.Names)
            {
                var array = file.Read(name);
                numbers += array.Count;
                NetworkWeights.RequireFinite(Path.Combine(path, part.Name), name, array);
            }
        }

        return string.Create(CultureInfo.InvariantCulture,
            $"step {manifest.Step}, {manifest.Files.Count} files with the right checksum, {numbers:N0} numbers, all finite; {Weights(WeightFile.Read(path))}");
    }

    static UserError Fault(string path, string found) => new(path, found, "the files that its manifest names", "Take an older checkpoint");

    static string Weights(WeightFile file)
    {
        var weights = new NetworkWeights(file);
        var sizes = weights.Sizes();
        weights.RequireFinite();
        return string.Create(CultureInfo.InvariantCulture, $"{file.Format}, {file.Arrays.Count} entries of one network: {NetworkWeights.Describe(sizes)}");
    }
}
