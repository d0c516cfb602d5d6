using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// The type that matrix products and convolutions are computed in. Weights stay in single precision (the master copy); a product rounds
/// them and its input on the way, and autograd rounds the gradients on theirs. TorchSharp has no autocast.
/// </summary>
static class Arithmetic
{
    /// <summary>Null: as the weights are.</summary>
    public static ScalarType? Of(string precision) => precision == "bf16" ? ScalarType.BFloat16 : null;

    /// <summary>
    /// As a product takes it. On the CPU the rounded numbers in single precision, which is what a GPU's tensor cores do: products of two are
    /// exact and added up in single precision. libtorch's own there take ten times as long where the processor has no such instructions,
    /// and add the gradient in a convolution's weight up clip by clip in bf16: 18 % off over 512 clips that agree.
    /// </summary>
    public static Tensor Rounded(this Tensor x, ScalarType type) => x.device_type == DeviceType.CPU ? x.to(type).to(ScalarType.Float32) : x.to(type);

    /// <summary>A linear layer; the result is rounded too, but in single precision again, because gates, maxima and embeddings are.</summary>
    public static Tensor Apply(this Linear layer, Tensor x, ScalarType? compute) => compute is { } type
        ? nn.functional.linear(x.Rounded(type), layer.weight!.Rounded(type), layer.bias!.Rounded(type)).to(type).to(ScalarType.Float32)
        : layer.call(x);
}
