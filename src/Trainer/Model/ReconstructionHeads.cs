using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>One reconstruction head: ReLU(W2 ReLU(W1 z + b1) + b2), (n, D) → (n, width of the target) (mcn-spec §4.6).</summary>
public sealed class ReconstructionHead : nn.Module<Tensor, Tensor>
{
    readonly Linear down;
    readonly Linear up;

    public ReconstructionHead(long inputs, long hidden, long outputs)
        : base(nameof(ReconstructionHead))
    {
        down = nn.Linear(inputs, hidden);
        up = nn.Linear(hidden, outputs);
        // Names of the original's Sequential: 1 and 3 are its ReLUs.
        register_module("0", down);
        register_module("2", up);
    }

    public override Tensor forward(Tensor embedding) => up.call(down.call(embedding).relu_()).relu_();

    /// <summary>(n): mean squared error of each clip. The target carries gradient too, as in the original (spec Q13).</summary>
    public Tensor Error(Tensor embedding, Tensor target) => (call(embedding) - target).square().mean([1]);
}
