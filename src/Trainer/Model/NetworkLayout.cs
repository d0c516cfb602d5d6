using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Names and shapes of the network's state in the order of the original's state_dict (mcn-spec appendix A), as a pure function of the
/// sizes: weights can be checked before memory for a network is taken, and without libtorch.
/// </summary>
public static class NetworkLayout
{
    /// <summary>The five entries of a batch normalisation; the last one is a whole number, all others are real.</summary>
    const string Counter = "num_batches_tracked";

    /// <summary>Exists in every checkpoint of the original and is never applied (mcn-spec §4.4).</summary>
    const string NeverApplied = "DAVEnet.batchnorm1.";

    /// <summary>Every entry with its shape; a scalar has the empty shape.</summary>
    public static IReadOnlyList<(string Name, long[] Shape)> Of(ModelConfig sizes)
    {
        var widths = sizes.LayerWidths;
        var (audio, joint) = (widths[^1], sizes.EmbdDim);
        var entries = new List<(string, long[])>();
        Norm(entries, "DAVEnet.batchnorm1", 1);
        entries.Add(("DAVEnet.conv1.weight", [widths[0], 1, sizes.MelBands, 1]));
        Norm(entries, "DAVEnet.bn1", widths[0]);
        for (var layer = 1; layer < widths.Count; layer++)
        {
            Block(entries, $"DAVEnet.layer{layer}.0", widths[layer - 1], widths[layer], shortcut: true);
            Block(entries, $"DAVEnet.layer{layer}.1", widths[layer], widths[layer], shortcut: false);
        }

        Linear(entries, "DAVEnet_projection", audio, joint);
        Gate(entries, "GU_audio", audio, audio);
        Gate(entries, "GU_video", sizes.FeatureDim, joint);
        Linear(entries, "text_pooling_caption.fc", sizes.WeDim, joint);
        Gate(entries, "GU_text_captions", joint, joint);
        if (!sizes.Recon) return entries;
        foreach (var (head, width) in (ReadOnlySpan<(string, int)>)[("recon_v", sizes.FeatureDim), ("recon_a", audio), ("recon_t", joint)])
        {
            Linear(entries, $"{head}.0", joint, sizes.ReconSize);
            Linear(entries, $"{head}.2", sizes.ReconSize, width);
        }

        return entries;
    }

    /// <summary>Whether the entry counts batches (int64) instead of holding real numbers.</summary>
    public static bool IsCounter(string name) => name.EndsWith(Counter, StringComparison.Ordinal);

    /// <summary>Whether the entry has no influence on any output, so that weights without it are as good.</summary>
    public static bool IsNeverApplied(string name) => name.StartsWith(NeverApplied, StringComparison.Ordinal);

    static void Block(List<(string, long[])> entries, string name, long inputs, long width, bool shortcut)
    {
        entries.Add(($"{name}.conv1.weight", [width, inputs, 1, 9]));
        Norm(entries, $"{name}.bn1", width);
        entries.Add(($"{name}.conv2.weight", [width, width, 1, 9]));
        Norm(entries, $"{name}.bn2", width);
        if (!shortcut) return;
        entries.Add(($"{name}.downsample.0.weight", [width, inputs, 1, 1]));
        Norm(entries, $"{name}.downsample.1", width);
    }

    static void Norm(List<(string, long[])> entries, string name, long channels)
    {
        foreach (var part in (ReadOnlySpan<string>)["weight", "bias", "running_mean", "running_var"]) entries.Add(($"{name}.{part}", [channels]));
        entries.Add(($"{name}.{Counter}", []));
    }

    static void Gate(List<(string, long[])> entries, string name, long inputs, long outputs)
    {
        Linear(entries, $"{name}.fc", inputs, outputs);
        Linear(entries, $"{name}.cg.fc", outputs, outputs);
    }

    static void Linear(List<(string, long[])> entries, string name, long inputs, long outputs)
    {
        entries.Add(($"{name}.weight", [outputs, inputs]));
        entries.Add(($"{name}.bias", [outputs]));
    }
}
