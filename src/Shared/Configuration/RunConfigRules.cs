using System.Globalization;

namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Everything that can be wrong with a configuration as a whole. Pure, but for <see cref="CheckFiles"/>. A new rule is one
/// entry of the list in RunConfigRules.List.cs.
/// </summary>
public static partial class RunConfigRules
{
    // The paper's step has 4096 clips; four times as many is more than anybody has published for this network.
    const int ClipsThatLookLikeASlip = 16384;

    /// <summary>Every mistake: single keys (for records that were changed in memory) and rules between keys; empty when sound.</summary>
    public static IReadOnlyList<ConfigMistake> Check(RunConfig config)
    {
        var mistakes = new List<ConfigMistake>();
        foreach (var (path, value) in RunConfigTree.Flatten(config))
        {
            var key = RunConfigKeys.Find(path)!;
            if (key.Type.Read(value, "/", out var remedy) is not null) continue;
            mistakes.Add(new ConfigMistake
            {
                Source = "", Key = path, Found = ConfigType.Show(value), Expected = key.Type.Expected, Remedy = remedy,
            });
        }

        var unsound = mistakes.Select(mistake => mistake.Key).ToHashSet(StringComparer.Ordinal);
        mistakes.AddRange(Broken(config).Where(broken => !broken.Keys.Any(unsound.Contains)).Select(broken => broken.Mistake));
        return mistakes;
    }

    /// <summary>Every input file or folder that is not where the configuration says; asked just before a run starts.</summary>
    public static IReadOnlyList<ConfigMistake> CheckFiles(RunConfig config) =>
    [
        .. from entry in RunConfigTree.Flatten(config)
           let key = RunConfigKeys.Find(entry.Key)!
           let target = key.Type as PathOf ?? (key.Type as ListOf)?.Element as PathOf
           where target is not null
           // The audio root that was left out is the other root: one missing folder is one mistake.
           where key.DefaultFrom is null || config.Data.FeaturesPathAudio != config.Data.FeaturesPath
           from path in key.Type is ListOf ? entry.Value.EnumerateArray().Select(item => item.GetString()!) : [entry.Value.GetString()!]
           where path.Length > 0 || !target.OrNone
           let mistake = Missing(key, target, path)
           where mistake is not null
           select mistake,
    ];

    /// <summary>Sentences about what is allowed but seldom meant; empty most of the time.</summary>
    public static IReadOnlyList<string> Warnings(RunConfig config)
    {
        var warnings = new List<string>();
        var data = config.Data;
        var clips = (long)data.BatchSize * data.NPair;
        if (clips > ClipsThatLookLikeASlip)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"batch_size {data.BatchSize} videos x n_pair {data.NPair} clips = {clips:N0} clips a step; the paper's 4096 is 128 x 32"));
        }

        if (Slow(config) is { } slow) warnings.Add(slow);
        if (config.Objective is { Kmeans: true, UseQueue: true } && config.Objective.StartQueue >= config.Optimizer.Epochs)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"start_queue {config.Objective.StartQueue} is past the last of {config.Optimizer.Epochs} epochs: the queue stays empty"));
        }

        return warnings;
    }

    /// <summary>A GPU's fast units left unused, the accident that costs most time; null: they are used. Figures: NVIDIA's data sheet of the A100.</summary>
    public static string? Slow(RunConfig config) => config.Precision == "fp32" && config.Devices[0] != "cpu"
        ? "precision fp32 leaves TF32 off: the peak of an A100 is 19.5 TFLOP/s then, and 156 with precision tf32"
        : null;

    static ConfigMistake? Missing(ConfigKey key, PathOf target, string path)
    {
        var isThere = target.Target switch
        {
            PathTarget.File => File.Exists(path),
            PathTarget.Folder => Directory.Exists(path),
            _ => Path.Exists(path),
        };
        if (isThere) return null;

        var other = Path.Exists(path) ? (target.Target == PathTarget.File ? "a folder" : "a file") : "nothing";
        return new ConfigMistake
        {
            Source = "", Key = key.Path, Found = $"{other} at {path}", Expected = target.Expected, Remedy = Nearest(path),
        };
    }

    // How far down the path is right tells a typing error from a disk that is not mounted.
    static string Nearest(string path)
    {
        var parent = Path.GetDirectoryName(path);
        while (parent is not null && !Directory.Exists(parent)) parent = Path.GetDirectoryName(parent);
        return parent is null || Path.Exists(path)
            ? "Correct the path"
            : $"Correct the path, or mount the disk ({parent} exists, {Path.GetRelativePath(parent, path)} in it does not)";
    }
}
