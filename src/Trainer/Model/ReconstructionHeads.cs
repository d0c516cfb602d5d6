using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>One reconstruction head: ReLU(W2 ReLU(W1 z + b1) + b2), (n, D) → (n, width of the target) (mcn-spec §4.6).</summary>
public sealed class ReconstructionHead : nn.Module<Tensor, Tensor>
{
    // Names of the original: a Sequential, whose 1 and 3 are its ReLUs.
    [ComponentName(Name = "0")] readonly Linear down;
    [ComponentName(Name = "2")] readonly Linear up;
    readonly ScalarType? compute;

    /// <param name="compute"><see cref="Arithmetic"/>.</param>
    public ReconstructionHead(long inputs, long hidden, long outputs, ScalarType? compute = null)
        : base(nameof(ReconstructionHead))
    {
        this.compute = compute;
        down = nn.Linear(inputs, hidden);
        up = nn.Linear(hidden, outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor embedding) => up.Apply(down.Apply(embedding, compute).relu_(), compute).relu_();

    /// <summary>(n): mean squared error of each clip. The target carries gradient where it has some (spec Q13).</summary>
    public Tensor Error(Tensor embedding, Tensor target)
    {
        var difference = call(embedding) - target;
        return (difference * difference).mean([1]);
    }
}
