using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// The sizes of a network from the shapes of its weights, under the original's names (mcn-spec appendix A), so that a checkpoint can
/// be evaluated without its configuration. Pure.
/// </summary>
public static class NetworkSizes
{
    /// <param name="subject">The file, for messages.</param>
    /// <param name="shapes">Name of each tensor → its shape.</param>
    /// <exception cref="UserError">A tensor that tells a size is missing or has another rank.</exception>
    public static ModelConfig Of(string subject, IReadOnlyDictionary<string, long[]> shapes)
    {
        string[] stages = ["DAVEnet.conv1.weight", .. Enumerable.Range(1, 4).Select(layer => $"DAVEnet.layer{layer}.0.conv1.weight")];
        var missing = stages.Concat(["GU_video.fc.weight", "text_pooling_caption.fc.weight"]).Where(name => !shapes.ContainsKey(name)).ToArray();
        if (missing.Length > 0)
        {
            throw new UserError(subject, $"no {string.Join(", no ", missing.Take(4))} among {shapes.Count} tensors ({string.Join(", ", shapes.Keys.Take(4))} …)",
                "the weights of MCN under the original's names", "Give a checkpoint of this program or of train_tri_kmeans.py with tri_modal=1");
        }

        var recon = shapes.ContainsKey("recon_v.0.weight");
        return new ModelConfig
        {
            EmbdDim = Size("GU_video.fc.weight", 2, 0),
            FeatureDim = Size("GU_video.fc.weight", 2, 1),
            WeDim = Size("text_pooling_caption.fc.weight", 2, 1),
            MelBands = Size(stages[0], 4, 2),
            LayerWidths = [.. stages.Select(name => Size(name, 4, 0))],
            Recon = recon,
            ReconSize = recon ? Size("recon_v.0.weight", 2, 0) : 1,
        };

        int Size(string name, int rank, int axis) => shapes[name] is var shape && shape.Length == rank && shape[axis] is > 0 and <= 1 << 20
            ? (int)shape[axis]
            : throw new UserError(subject, $"{name} of shape ({string.Join(", ", shape)})", $"{rank} sizes of 1 to 1,048,576", "Give a checkpoint of MCN");
    }
}
