using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// The type that matrix products and convolutions are computed in. Weights stay in single precision (the master copy); a product casts
/// them and its input on the way, and autograd casts the gradients back. TorchSharp has no autocast.
/// </summary>
static class Arithmetic
{
    /// <summary>Null: as the weights are.</summary>
    public static ScalarType? Of(string precision) => precision == "bf16" ? ScalarType.BFloat16 : null;

    /// <summary>A linear layer; the result is in single precision again, because gates, maxima and embeddings are.</summary>
    public static Tensor Apply(this Linear layer, Tensor x, ScalarType? compute) => compute is { } type
        ? nn.functional.linear(x.to(type), layer.weight!.to(type), layer.bias!.to(type)).to(ScalarType.Float32)
        : layer.call(x);
}
