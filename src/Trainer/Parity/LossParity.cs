using System.Text.Json;
using Mcn.Web.Trainer.Objective;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Each loss by itself, value and gradient, on matrices of its own.</summary>
static class LossParity
{
    const double ClusterMargin = 0.001;

    public static void MaskedMargin(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var arrays = golden.Arrays("losses.npz");
        foreach (var (name, expected) in Cases(golden, "mms"))
        {
            // With B = I, S = A Bᵀ is A itself and dL/dA is the gradient in the similarities.
            var similarity = arrays[$"{name}_S"];
            var (value, gradient, _) = MaskedMarginSoftmax.LossAndGradients(similarity, eye(similarity.shape[0]), expected.GetProperty("margin").GetDouble());
            report.Value($"losses.{name}.loss", value.item<float>(), expected.GetProperty("loss").GetDouble(), ParityReport.LossLimit);
            report.Near($"losses.{name}.dS", gradient, arrays[$"{name}_dS"], ParityReport.GradientLimit);
        }
    }

    public static void MilNce(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var arrays = golden.Arrays("losses.npz");
        foreach (var (name, expected) in Cases(golden, "milnce"))
        {
            var (value, video, text) = Objective.MilNce.LossAndGradients(arrays[$"{name}_video"], arrays[$"{name}_text"]);
            report.Value($"losses.{name}.loss", value.item<float>(), expected.GetProperty("loss").GetDouble(), ParityReport.LossLimit);
            report.Near($"losses.{name}.dvideo", video, arrays[$"{name}_dvideo"], ParityReport.GradientLimit);
            report.Near($"losses.{name}.dtext", text, arrays[$"{name}_dtext"], ParityReport.GradientLimit);
        }
    }

    /// <summary>Both forms of the original (nce=0 and nce=1): they are equal in algebra, and ours is one.</summary>
    public static void Cluster(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var arrays = golden.Arrays("losses.npz");
        foreach (var (name, expected) in Cases(golden, "cluster"))
        {
            var (value, gradient) = CentroidContrast.LossAndGradient(
                arrays[$"{name}_emb"], arrays[$"{name}_centroids"], arrays[$"{name}_labels"].to(ScalarType.Int64), ClusterMargin);
            report.Value($"losses.{name}.loss (nce={expected.GetProperty("nce").GetInt32()})", value.item<float>(), expected.GetProperty("loss").GetDouble(), ParityReport.LossLimit);
            report.Near($"losses.{name}.demb", gradient, arrays[$"{name}_demb"], ParityReport.GradientLimit);
        }
    }

    static IEnumerable<(string Name, JsonElement Expected)> Cases(GoldenFolder golden, string kind) =>
        golden.Json("losses.json").GetProperty(kind).EnumerateArray().Select(one => (one.GetProperty("name").GetString()!, one));
}
