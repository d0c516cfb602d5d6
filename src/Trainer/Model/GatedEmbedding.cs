using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>Gated embedding unit: z = W1 x + b1; y = z * sigmoid(W2 z + b2) (mcn-spec §4.1, §4.2). (n, inputs) → (n, outputs).</summary>
public sealed class GatedEmbedding : nn.Module<Tensor, Tensor>
{
    readonly Linear fc;
    [ComponentName(Name = "cg")] readonly ContextGating gating;

    public GatedEmbedding(long inputs, long outputs)
        : base(nameof(GatedEmbedding))
    {
        fc = nn.Linear(inputs, outputs);
        gating = new ContextGating(outputs);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => gating.call(fc.call(x));

    sealed class ContextGating : nn.Module<Tensor, Tensor>
    {
        readonly Linear fc;

        public ContextGating(long width)
            : base(nameof(ContextGating))
        {
            fc = nn.Linear(width, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => x * fc.call(x).sigmoid();
    }
}
