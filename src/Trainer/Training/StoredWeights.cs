using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Weights as they lie on disk, whatever wrote them: a run's folder or one of its checkpoints, a .safetensors file, or what the
/// original's torch.save wrote (both formats). Names are the original's.
/// </summary>
public sealed class StoredWeights
{
    const string Network = "model.safetensors";

    StoredWeights(string path, IReadOnlyDictionary<string, HostArray> tensors)
    {
        Path = path;
        Tensors = tensors;
    }

    /// <summary>The file that was read.</summary>
    public string Path { get; }

    public IReadOnlyDictionary<string, HostArray> Tensors { get; }

    /// <summary>`config.json` of the run that the checkpoint lies in; null when it lies elsewhere.</summary>
    public string? RunConfigFile => System.IO.Path.GetFileName(Path) == Network
        && new RunFolder(System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, "..", "..", ".."))).Config is var config && File.Exists(config) ? config : null;

    public static StoredWeights Read(string path)
    {
        var file = Locate(path);
        return new StoredWeights(file, file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? FromSafetensors(file) : FromTorch(file));
    }

    /// <summary>A folder means its newest checkpoint.</summary>
    static string Locate(string path)
    {
        if (!Directory.Exists(path)) return path;
        if (File.Exists(System.IO.Path.Combine(path, Network))) return System.IO.Path.Combine(path, Network);
        var checkpoints = new RunFolder(path).Checkpoints;
        var newest = Directory.EnumerateDirectories(Directory.Exists(checkpoints) ? checkpoints : path, "step-*").Order(StringComparer.Ordinal).LastOrDefault();
        return newest is null
            ? throw new UserError(path, "a folder without a checkpoint", $"{Network}, or checkpoints step-NNNNNNNNNN", "Name a checkpoint or the folder of a run")
            : System.IO.Path.Combine(newest, Network);
    }

    static Dictionary<string, HostArray> FromSafetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Names.ToDictionary(name => name, file.Read, StringComparer.Ordinal);
    }

    static Dictionary<string, HostArray> FromTorch(string path)
    {
        const string parallel = "module.";
        var saved = TorchFile.Read(path) as Dictionary<object, object?>;
        // amp_checkpoint.pt holds the weights under `net` (mcn-spec §8).
        if (saved?.GetValueOrDefault("net") is Dictionary<object, object?> inner) saved = inner;
        var tensors = new Dictionary<string, HostArray>(StringComparer.Ordinal);
        foreach (var (key, value) in saved ?? [])
        {
            if (key is string name && value is HostArray array)
                tensors[name.StartsWith(parallel, StringComparison.Ordinal) ? name[parallel.Length..] : name] = array;
        }

        return tensors.Count > 0
            ? tensors
            : throw new UserError(path, "no named tensors", "a state_dict that torch.save wrote", "Save it with torch.save(model.state_dict(), …)");
    }
}
