using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class LossTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Masked_margin_softmax_and_its_gradient_equal_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("losses");
        foreach (var loss in golden.Json("losses.json").GetProperty("mms").EnumerateArray())
        {
            var name = loss.GetProperty("name").GetString()!;
            var similarity = arrays[$"{name}_S"];

            // With B = I, S = A Bᵀ is A itself and dL/dA is the gradient in the similarities.
            var (value, gradient, _) = MaskedMarginSoftmax.LossAndGradients(
                similarity, eye(similarity.shape[0]), loss.GetProperty("margin").GetDouble());

            Near(value, loss.GetProperty("loss").GetDouble(), 1e-5, name);
            Assert.True(GoldenSet.Distance(gradient, arrays[$"{name}_dS"]) < 1e-4 || arrays[$"{name}_dS"].norm().item<float>() < 1e-6, name);
        }
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void Centroid_contrast_and_its_gradient_equal_the_original(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("losses");
        foreach (var loss in golden.Json("losses.json").GetProperty("cluster").EnumerateArray())
        {
            var name = loss.GetProperty("name").GetString()!;
            var (value, gradient) = CentroidContrast.LossAndGradient(
                arrays[$"{name}_emb"], arrays[$"{name}_centroids"], arrays[$"{name}_labels"].to(ScalarType.Int64), 0.001);
            Near(value, loss.GetProperty("loss").GetDouble(), 1e-5, name);
            GoldenSet.Near(gradient, arrays[$"{name}_demb"], 1e-4, name);
        }
    }

    static void Near(Tensor actual, double expected, double limit, string what)
    {
        var value = actual.to(ScalarType.Float64).item<double>();
        Assert.True(Math.Abs(value - expected) <= limit * Math.Max(1, Math.Abs(expected)), $"{what}: {value} instead of {expected}");
    }
}
