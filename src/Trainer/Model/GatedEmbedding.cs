using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>Gated embedding unit: z = W1 x + b1; y = z * sigmoid(W2 z + b2) (mcn-spec §4.1, §4.2). (n, inputs) → (n, outputs).</summary>
public sealed class GatedEmbedding : nn.Module<Tensor, Tensor>
{
    readonly Linear fc;
    readonly ScalarType? compute;
    [ComponentName(Name = "cg")] readonly ContextGating gating;

    /// <param name="compute"><see cref="Arithmetic"/>.</param>
    public GatedEmbedding(long inputs, long outputs, ScalarType? compute = null)
        : base(nameof(GatedEmbedding))
    {
        fc = nn.Linear(inputs, outputs);
        this.compute = compute;
        gating = new ContextGating(outputs, compute);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => gating.call(fc.Apply(x, compute));

    sealed class ContextGating : nn.Module<Tensor, Tensor>
    {
        readonly Linear fc;
        readonly ScalarType? compute;

        public ContextGating(long width, ScalarType? compute)
            : base(nameof(ContextGating))
        {
            this.compute = compute;
            fc = nn.Linear(width, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => x * fc.Apply(x, compute).sigmoid();
    }
}
