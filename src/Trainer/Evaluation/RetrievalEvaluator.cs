using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>
/// Text, video and audio retrieval on one set (mcn-spec §9.1): raw dot products, the clip is video + audio, the right answer to query i
/// is item i. Embeddings are gathered over batches, similarities are looked at in blocks of queries whose bytes are bounded, so memory
/// grows with the set's size, not with its square.
/// </summary>
public static class RetrievalEvaluator
{
    const int FramesPerMultiplier = 1024;

    // The similarities of one block; beyond 32 MB the allocator would ask the system for every block anew.
    const long BlockBytes = 16L << 20;

    /// <summary>Directions reported, each a query and what it is compared with: t text, v video, a audio, va video + audio.</summary>
    static readonly string[] Directions = ["t2va", "t2v", "t2a", "va2t", "v2t", "a2t", "a2v", "v2a"];

    /// <param name="encode">Embeddings of a filled batch, evaluation mode, without graph; rows beyond its count are ignored.</param>
    public static IReadOnlyList<RetrievalRow> Evaluate(
        EvaluationSettings settings, RetrievalSet set, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sides = Encode(settings, set, vocabulary, encode);
        return [.. Directions.Select((direction, number) => Row(settings, direction, number, sides, set.Denominator))];
    }

    static RetrievalRow Row(EvaluationSettings settings, string direction, int number, Dictionary<string, Side> sides, int denominator)
    {
        using var scope = NewDisposeScope();
        var names = direction.Split('2');
        var standings = Stand(sides[names[0]].Embeddings, sides[names[1]].Embeddings, sides[names[1]].Same);
        var ranks = RetrievalMetrics.WithMissing(RetrievalMetrics.AveragedRanks(standings), denominator);
        var figures = RetrievalMetrics.Figures(
            settings.Compatibility.OptimisticTies ? RetrievalMetrics.OptimisticRanks(standings) : ranks, denominator);
        var random = new CounterRandom(settings.Seed, RandomPurpose.Bootstrap, number);
        return RetrievalMetrics.Row(
            direction,
            figures,
            RetrievalMetrics.Intervals(ranks, settings.Evaluation.BootstrapSamples, random.Next));
    }

    static Dictionary<string, Side> Encode(EvaluationSettings settings, RetrievalSet set, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        var batch = new RetrievalBatch(
            Math.Min(settings.Evaluation.BatchSizeVal, set.Count),
            settings.Model.FeatureDim,
            settings.Model.MelBands,
            FramesPerMultiplier * settings.Evaluation.NumFramesMultiplier,
            settings.MaxWords)
        {
            Padding = (float)SpectrogramCutter.PaddingOf(settings.Compatibility.PadWithLoudest),
        };
        var (text, video, audio) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        var (texts, videos, audios) = (new FirstOccurrences(), new FirstOccurrences(), new FirstOccurrences());
        for (var first = 0; first < set.Count; first += batch.Count)
        {
            using var scope = NewDisposeScope();
            set.Fill(first, vocabulary, batch);
            for (var i = 0; i < batch.Count; i++)
            {
                texts.Add(RowOf(batch.Tokens, i));
                videos.Add(RowOf(batch.Video, i));
                audios.Add(RowOf(batch.Audio, i), batch.FrameCounts[i]);
            }

            var embeddings = encode(batch);
            Keep(text, embeddings.Text);
            Keep(video, embeddings.Video);
            Keep(audio, embeddings.Audio);
        }

        var (t, v, a) = (cat(text, 0), cat(video, 0), cat(audio, 0));
        return new()
        {
            ["t"] = new(t, texts), ["v"] = new(v, videos), ["a"] = new(a, audios), ["va"] = new(v.Plus(a), FirstOccurrences.Both(videos, audios)),
        };

        ReadOnlySpan<T> RowOf<T>(T[] values, int row) => values.AsSpan(row * (values.Length / batch.Capacity), values.Length / batch.Capacity);

        void Keep(List<Tensor> parts, Tensor embedding) =>
            parts.Add(embedding.narrow(0, 0, batch.Count).clone().MoveToOuterDisposeScope());
    }

    /// <summary>Queries whose similarities are looked at together, for a gallery of n items.</summary>
    public static int QueriesInBlock(int n) => (int)Math.Clamp(BlockBytes / ((long)n * sizeof(float)), 1, n);

    /// <summary>Where the right item stands for each query.</summary>
    /// <param name="queries">(n, D).</param>
    /// <param name="gallery">(n, D).</param>
    /// <param name="same">Which of the gallery are equal and must tie; null: nobody knows of any.</param>
    public static Standings Stand(Tensor queries, Tensor gallery, FirstOccurrences? same = null)
    {
        using var outer = NewDisposeScope();
        var n = (int)queries.shape[0];
        var (greater, ties) = (new List<int>(n), new List<int>(n));
        var items = gallery.t();
        Tensor? place = null;
        if (same is { Any: true })
        {
            var (distinct, places) = same.Split();
            items = gallery.index_select(0, tensor(distinct, device: gallery.device)).t();
            place = tensor(places, device: gallery.device);
        }

        var rows = QueriesInBlock(n);
        for (var start = 0; start < n; start += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, n - start);
            var similarity = queries.narrow(0, start, count).mm(items);
            if (place is not null) similarity = similarity.index_select(1, place);
            var right = similarity.narrow(1, start, count).diagonal().clone().unsqueeze(1);

            // Not "at most as good" rather than "better": a NaN must not make an item look worse than the right one.
            var notBetter = similarity.le(right).sum([1L]).to(ScalarType.Int32);
            var equal = similarity.eq(right).sum([1L]).to(ScalarType.Int32);
            greater.AddRange(notBetter.cpu().data<int>().Select(k => Math.Min(n - k, n - 1)));
            ties.AddRange(equal.cpu().data<int>().Select(k => k - 1));
        }

        return new Standings([.. greater], [.. ties]);
    }

    /// <summary>Embeddings of one side of a comparison, and which of them come from equal input.</summary>
    sealed record Side(Tensor Embeddings, FirstOccurrences Same);
}
