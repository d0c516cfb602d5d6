using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Model;

/// <summary>
/// Sentence pooling: max over the word positions of ReLU(W x + b) (mcn-spec §4.3). Padding takes part: it contributes ReLU(b).
/// Each distinct word goes through the layer once, and the winner of each (clip, unit) is found without a graph, so neither
/// time nor memory grow with N x W x D, as they do in the original (2 GB at the published size).
/// </summary>
public sealed class SentencePooling : nn.Module<Tensor, Tensor, Tensor>
{
    // Clips whose (clips, W, D) block is looked at together: bounds the temporary to about 64 MB.
    const long BlockElements = 16L << 20;

    readonly Linear fc;
    readonly bool paddingTakesPart;
    readonly ScalarType? compute;

    /// <param name="paddingTakesPart">Spec Q10; off: padding counts only where a clip has no word at all.</param>
    /// <param name="compute"><see cref="Arithmetic"/>.</param>
    public SentencePooling(long inputs, long outputs, bool paddingTakesPart = true, ScalarType? compute = null)
        : base(nameof(SentencePooling))
    {
        fc = nn.Linear(inputs, outputs);
        this.paddingTakesPart = paddingTakesPart;
        this.compute = compute;
        RegisterComponents();
    }

    /// <param name="words">(U, we_dim) vectors of the distinct words.</param>
    /// <param name="wordIndex">(N, W) rows of <paramref name="words"/>.</param>
    /// <returns>(N, D)</returns>
    public override Tensor forward(Tensor words, Tensor wordIndex)
    {
        var activation = fc.Apply(words, compute).relu_();
        return activation.gather(0, Winners(paddingTakesPart ? activation : WithoutPadding(activation, words), wordIndex));
    }

    /// <summary>What the words compete with: padding, a zero vector, stands below every ReLU.</summary>
    static Tensor WithoutPadding(Tensor activation, Tensor words)
    {
        using var _ = no_grad();
        return activation.masked_fill(words.eq(Scalars.Zero).all(1, keepdim: true), Scalars.MinusOne);
    }

    /// <summary>(N, D): for each clip and unit the word that is largest there.</summary>
    static Tensor Winners(Tensor activation, Tensor wordIndex)
    {
        using var _ = no_grad();
        var (clips, positions, units) = (wordIndex.shape[0], wordIndex.shape[1], activation.shape[1]);
        var block = Math.Max(1, BlockElements / (positions * units));
        var parts = new List<Tensor>();
        for (var start = 0L; start < clips; start += block)
        {
            using var scope = NewDisposeScope();
            var index = wordIndex.narrow(0, start, Math.Min(block, clips - start));
            var values = activation.index_select(0, index.reshape(-1)).view(index.shape[0], positions, units);
            var (_, position) = values.max(1);
            parts.Add(index.gather(1, position).MoveToOuterDisposeScope());
        }

        return parts.Count == 1 ? parts[0] : cat(parts, 0);
    }
}
