using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Text, video and audio retrieval on one set (mcn-spec §9.1): raw dot products, the clip is video + audio, the right answer to query i
/// is item i. Embeddings are gathered over batches, similarities are looked at in blocks of queries, so memory grows with the set's
/// size, not with its square.
/// </summary>
public static class RetrievalEvaluator
{
    const int FramesPerMultiplier = 1024;
    const int QueriesInBlock = 512;

    /// <summary>Directions reported, each a query and what it is compared with: t text, v video, a audio, va video + audio.</summary>
    static readonly string[] Directions = ["t2va", "t2v", "t2a", "va2t", "v2t", "a2t", "a2v", "v2a"];

    /// <param name="encode">Embeddings of a filled batch, evaluation mode, without graph; rows beyond its count are ignored.</param>
    public static IReadOnlyList<RetrievalRow> Evaluate(
        RunConfig config, RetrievalSet set, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sides = Encode(config, set, vocabulary, encode);
        return [.. Directions.Select((direction, number) => Row(config, direction, number, sides))];
    }

    static RetrievalRow Row(RunConfig config, string direction, int number, Dictionary<string, Tensor> sides)
    {
        using var scope = NewDisposeScope();
        var names = direction.Split('2');
        var standings = Stand(sides[names[0]], sides[names[1]]);
        var ranks = RetrievalMetrics.AveragedRanks(standings);
        var counted = config.Compatibility.OptimisticTies ? RetrievalMetrics.OptimisticRanks(standings) : ranks;
        var random = new CounterRandom(config.Seed, RandomPurpose.Bootstrap, number);
        return RetrievalMetrics.Row(
            direction,
            RetrievalMetrics.Figures(counted, standings.Greater.Length),
            RetrievalMetrics.Intervals(ranks, config.Evaluation.BootstrapSamples, random.Next));
    }

    static Dictionary<string, Tensor> Encode(RunConfig config, RetrievalSet set, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        var batch = new RetrievalBatch(
            Math.Min(config.Evaluation.BatchSizeVal, set.Count),
            config.Model.FeatureDim,
            config.Model.MelBands,
            FramesPerMultiplier * config.Evaluation.NumFramesMultiplier,
            config.Data.MaxWords);
        var (text, video, audio) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        for (var first = 0; first < set.Count; first += batch.Count)
        {
            using var scope = NewDisposeScope();
            set.Fill(first, vocabulary, batch);
            var embeddings = encode(batch);
            Keep(text, embeddings.Text);
            Keep(video, embeddings.Video);
            Keep(audio, embeddings.Audio);
        }

        var sides = new Dictionary<string, Tensor> { ["t"] = cat(text, 0), ["v"] = cat(video, 0), ["a"] = cat(audio, 0) };
        sides["va"] = sides["v"] + sides["a"];
        return sides;

        void Keep(List<Tensor> parts, Tensor embedding) =>
            parts.Add(embedding.narrow(0, 0, batch.Count).clone().MoveToOuterDisposeScope());
    }

    /// <summary>Where the right item stands for each query.</summary>
    /// <param name="queries">(n, D).</param>
    /// <param name="gallery">(n, D).</param>
    public static Standings Stand(Tensor queries, Tensor gallery)
    {
        var n = (int)queries.shape[0];
        var (greater, ties) = (new List<int>(n), new List<int>(n));
        var items = gallery.t();
        for (var start = 0; start < n; start += QueriesInBlock)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(QueriesInBlock, n - start);
            var similarity = queries.narrow(0, start, count).mm(items);
            var right = similarity.narrow(1, start, count).diagonal().clone().unsqueeze(1);

            // Not "at most as good" rather than "better": a NaN must not make an item look worse than the right one.
            var notBetter = similarity.le(right).sum([1L]).to(ScalarType.Int32);
            var equal = similarity.eq(right).sum([1L]).to(ScalarType.Int32);
            greater.AddRange(notBetter.cpu().data<int>().Select(k => Math.Min(n - k, n - 1)));
            ties.AddRange(equal.cpu().data<int>().Select(k => Math.Max(0, k - 1)));
        }

        return new Standings([.. greater], [.. ties]);
    }
}
