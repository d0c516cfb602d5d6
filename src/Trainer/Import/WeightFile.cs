using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// A network's named arrays as a file holds them: the original's .pth (both torch.save formats, bare state_dict or the
/// dictionary of amp_checkpoint.pt), .safetensors, or a folder with model.safetensors in it (a checkpoint of ours). Which one it is
/// is told by the content, not by the name. Says nothing of whether they are a network; that is Training/NetworkWeights.
/// </summary>
public sealed class WeightFile
{
    /// <summary>The file of a checkpoint folder that holds the network.</summary>
    public const string FileInFolder = "model.safetensors";

    /// <summary>Under these names a training checkpoint keeps its state_dict; `net` is the original's (mcn-spec §8).</summary>
    static readonly string[] Nests = ["net", "state_dict"];

    /// <summary>What torch.nn.DataParallel puts before every name.</summary>
    const string ReplicaPrefix = "module.";

    WeightFile(string path, string format, Dictionary<string, HostArray> arrays, List<string> notes)
    {
        Path = path;
        Format = format;
        Arrays = arrays;
        Notes = notes;
    }

    public string Path { get; }

    /// <summary>In words, for reports: `torch.save (zip)`, `torch.save (stream before 1.6)`, `safetensors`, `checkpoint folder`.</summary>
    public string Format { get; }

    /// <summary>The arrays by their name in the network; they own their memory.</summary>
    public IReadOnlyDictionary<string, HostArray> Arrays { get; }

    /// <summary>What was done to the file's names on the way, one sentence each; empty when nothing was.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <exception cref="UserError">Not there, damaged, or something other than named arrays.</exception>
    public static WeightFile Read(string path)
    {
        if (!Directory.Exists(path)) return FromFile(path);
        var inside = System.IO.Path.Combine(path, FileInFolder);
        if (!File.Exists(inside)) throw new UserError(path, $"a folder without {FileInFolder}", "a checkpoint folder (step-NNNNNNNNNN)", "Name one of the folders below the run's checkpoints/");
        return FromSafetensors(path, inside, "checkpoint folder");
    }

    static WeightFile FromFile(string path)
    {
        Span<byte> start = stackalloc byte[9];
        using (var window = new FileWindow(wholeFileBytes: 0))
        {
            window.Open(path);
            if (window.Length == 0) throw Refusal.At(path, 0, "the file is empty", "weights: .pth, .safetensors or a checkpoint folder");
            window.Bytes(0, Math.Min(window.Length, start.Length)).Span.CopyTo(start);
        }

        // Eight bytes of length, then a JSON object. A stream of torch.save begins with its magic number, an archive with PK.
        if (start[8] == '{') return FromSafetensors(path, path, "safetensors");
        var zip = start.StartsWith("PK"u8);
        return FromTorch(path, TorchFile.Read(path), zip ? "torch.save (zip)" : "torch.save (stream before 1.6)");
    }

    static WeightFile FromSafetensors(string path, string file, string format)
    {
        using var opened = SafetensorsFile.Open(file);
        return Named(path, format, opened.Names.ToDictionary(name => name, opened.Read, StringComparer.Ordinal), []);
    }

    static WeightFile FromTorch(string path, object? saved, string format)
    {
        var notes = new List<string>();
        var state = saved as Dictionary<object, object?> ?? throw NoState(path, "the file holds something other than a dictionary");
        foreach (var nest in Nests)
        {
            if (!state.TryGetValue(nest, out var inner) || inner is not Dictionary<object, object?> found) continue;
            notes.Add($"Taken from its entry '{nest}'; left: {string.Join(", ", state.Keys.Where(key => !nest.Equals(key)).Select(key => Refusal.Show($"{key}")))}");
            state = found;
            break;
        }

        var arrays = new Dictionary<string, HostArray>(StringComparer.Ordinal);
        foreach (var (key, value) in state)
        {
            if (key is not string name || value is not HostArray array) throw NoState(path, $"entry '{Refusal.Show($"{key}")}' is no tensor");
            arrays.Add(name, array);
        }

        return Named(path, format, arrays, notes);
    }

    static WeightFile Named(string path, string format, Dictionary<string, HostArray> arrays, List<string> notes)
    {
        if (arrays.Count == 0) throw NoState(path, "no tensors");
        if (!arrays.Keys.All(name => name.StartsWith(ReplicaPrefix, StringComparison.Ordinal))) return new(path, format, arrays, notes);
        notes.Add($"The prefix '{ReplicaPrefix}' of DataParallel was taken off every name");
        return new(path, format, arrays.ToDictionary(pair => pair.Key[ReplicaPrefix.Length..], pair => pair.Value, StringComparer.Ordinal), notes);
    }

    static UserError NoState(string path, string found) =>
        new(path, found, "a state_dict: names and tensors", "Save model.state_dict() with torch.save, or give a checkpoint of this program");
}
