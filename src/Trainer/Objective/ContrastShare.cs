using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>Of one pair of modalities and some clips, (n) each: log-sum-exp of every row and column of S, and the diagonal.</summary>
public sealed record ContrastStatistics(Tensor RowLse, Tensor ColumnLse, Tensor Matching);

/// <summary>
/// One rank's part of the contrasts between modalities: the rows of its clips in both roles, see <see cref="MaskedMarginSoftmax.Rows"/>.
/// Statistics first; when those of all ranks are there, the whole gradient of its clips. All sums over clips are made in the same tiles,
/// whoever makes them, and everything else is per element and BatchNorm group: the bits do not depend on the number of ranks.
/// </summary>
public sealed class ContrastShare
{
    readonly Pair[] pairs;
    readonly Tensor[] own;
    readonly long group;

    ContrastShare(Pair[] pairs, Tensor[] own, long group) => (this.pairs, this.own, this.group) = (pairs, own, group);

    /// <summary>Of each pair that is on.</summary>
    public IReadOnlyList<ContrastStatistics> Statistics => [.. pairs.Select(pair => new ContrastStatistics(pair.RowsOfA.LogSumExp, pair.RowsOfB.LogSumExp, pair.RowsOfA.Matching))];

    /// <param name="video">(N, D), as <paramref name="audio"/> and <paramref name="text"/>: of all ranks, without graph, on this rank's device.</param>
    /// <param name="first">The rank's first clip.</param>
    /// <param name="count">Its clips.</param>
    /// <param name="group">Clips of a BatchNorm group, of which the rank has whole ones.</param>
    public static ContrastShare Of(ObjectiveConfig config, Tensor video, Tensor audio, Tensor text, long first, long count, long group)
    {
        Tensor[] all = [video, audio, text];
        var tiles = SimilarityTiles.Of(video.shape[0], video.ElementSize, group);
        MaskedMarginSoftmax.Rows Rows(int of, int against) => MaskedMarginSoftmax.Rows.Of(all[of], first, count, all[against], config.Margin, tiles);
        var pairs = PairsOf(config).Select(pair => new Pair(pair.Term, pair.A, pair.B, pair.Weight, Rows(pair.A, pair.B), Rows(pair.B, pair.A)));
        return new ContrastShare([.. pairs], [.. all.Select(modality => modality.narrow(0, first, count))], group);
    }

    /// <summary>The most that a rank holds of similarities at a time: two tiles, and what it may keep of every pair in both roles.</summary>
    /// <param name="clips">N.</param>
    /// <param name="group">Clips of a BatchNorm group.</param>
    public static long MostBytes(ObjectiveConfig config, long clips, long group)
    {
        var tiles = SimilarityTiles.Of(clips, sizeof(float), group);
        return (2 * tiles.Rows * tiles.Columns * sizeof(float)) + (2 * PairsOf(config).Count() * Math.Min(group * clips * sizeof(float), tiles.KeptBytes));
    }

    /// <summary>The pairs that are on; modalities as in <see cref="Pair"/>.</summary>
    static IEnumerable<(int A, int B, double Weight, int Term)> PairsOf(ObjectiveConfig config)
    {
        const int v = 0, a = 1, t = 2;
        bool[] on = [!config.NoVideo, !config.NoAudio, true];
        (int A, int B, double Weight, int Term)[] all = [(t, v, config.WeightTextVideo, 0), (a, t, config.WeightAudioText, 1), (a, v, config.WeightAudioVideo, 2)];
        return all.Where(pair => on[pair.A] && on[pair.B] && pair.Weight != 0);
    }

    /// <summary>The terms text-video, audio-text, audio-video; null where one is off.</summary>
    /// <param name="complete">Of all clips, on this device.</param>
    public Tensor?[] Losses(IReadOnlyList<ContrastStatistics> complete)
    {
        var losses = new Tensor?[3];
        foreach (var (pair, all) in pairs.Zip(complete))
        {
            using var factor = pair.Weight.ToScalar();
            losses[pair.Term] = MaskedMarginSoftmax.Loss(all.RowLse, all.ColumnLse, all.Matching) * factor;
        }

        return losses;
    }

    /// <summary>dL/d of this rank's embeddings. Nothing here holds the embeddings of all clips any more after it.</summary>
    /// <param name="complete">Of all clips, on this device.</param>
    /// <param name="more">What another term adds, of the same clips; null: nothing.</param>
    public EmbeddingGradients Gradients(IReadOnlyList<ContrastStatistics> complete, EmbeddingGradients? more)
    {
        using var noGrad = no_grad();
        Tensor[] gradients = [.. own.Select(modality => zeros_like(modality))];
        foreach (var (pair, all) in pairs.Zip(complete))
        {
            using var scope = NewDisposeScope();
            using var factor = pair.Weight.ToScalar();
            Add(gradients[pair.A], pair.RowsOfA.Gradient(all.ColumnLse), factor);
            Add(gradients[pair.B], pair.RowsOfB.Gradient(all.RowLse), factor);
            pair.RowsOfA.Dispose();
            pair.RowsOfB.Dispose();
        }

        if (more is not null)
            foreach (var (gradient, addend) in gradients.Zip([more.Video, more.Audio, more.Text])) Add(gradient, addend, Scalars.One);
        foreach (var view in own) view.Dispose();
        return new EmbeddingGradients(gradients[0], gradients[1], gradients[2]);
    }

    // By group: the last elements of a kernel's run may be rounded otherwise than those before, so every run must be the same.
    void Add(Tensor target, Tensor addend, Scalar factor)
    {
        for (var start = 0L; start < target.shape[0]; start += group) target.narrow(0, start, group).add_(addend.narrow(0, start, group), factor);
    }

    /// <param name="Term">Its place among the losses.</param>
    /// <param name="A">Modality of the rows of S: 0 video, 1 audio, 2 text.</param>
    sealed record Pair(int Term, int A, int B, double Weight, MaskedMarginSoftmax.Rows RowsOfA, MaskedMarginSoftmax.Rows RowsOfB);
}
