using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Weights to evaluate, and where they came from: a run's folder (its newest checkpoint), one of its checkpoints, or any file that
/// <see cref="WeightFile"/> reads.
/// </summary>
public sealed class StoredWeights
{
    StoredWeights(string path)
    {
        Path = path;
        Weights = NetworkWeights.Read(path);
        Sizes = Weights.Sizes();
    }

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    public NetworkWeights Weights { get; }

    /// <summary>Read off the weights.</summary>
    public ModelConfig Sizes { get; }

    /// <summary>`config.json` of the run that the checkpoint lies in; null when it lies elsewhere.</summary>
    public string? RunConfigFile => System.IO.Path.GetFileName(Path) == WeightFile.FileInFolder
        && new RunFolder(System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, "..", "..", ".."))).Config is var config && File.Exists(config) ? config : null;

    public static StoredWeights Read(string path) => new(Locate(path));

    /// <summary>The file of weights that a path means: of a run its newest checkpoint, of a checkpoint its network.</summary>
    internal static string Locate(string path)
    {
        if (!Directory.Exists(path)) return path;
        if (File.Exists(System.IO.Path.Combine(path, WeightFile.FileInFolder))) return System.IO.Path.Combine(path, WeightFile.FileInFolder);
        var checkpoints = new RunFolder(path).Checkpoints;
        var newest = Directory.EnumerateDirectories(Directory.Exists(checkpoints) ? checkpoints : path, "step-*").Order(StringComparer.Ordinal).LastOrDefault();
        return newest is null
            ? throw new UserError(path, "a folder without a checkpoint", $"{WeightFile.FileInFolder}, or checkpoints step-NNNNNNNNNN", "Name a checkpoint or the folder of a run")
            : System.IO.Path.Combine(newest, WeightFile.FileInFolder);
    }
}
