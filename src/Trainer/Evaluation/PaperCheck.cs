using System.Globalization;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>One question of <see cref="PaperCheck"/>: what is there and what the paper's run had.</summary>
public sealed record PaperFinding(string Id, bool Agrees, string Found, string Expected);

/// <summary>
/// `eval --verify-paper`: does this evaluation give the paper's 18.1 / 35.5 / 45.2 on YouCook2, and if not, what of weights, data and
/// settings is not what the paper's evaluation had (mcn-spec §9.1; training notes §E1). Pure.
/// </summary>
public static class PaperCheck
{
    // A maximum over rows of length 1 with entries from 0 up has at least length 1, and at most the root of the number of rows.
    const double LeastNorm = 0.9;
    const double MostNorm = 30;

    // GoogleNews has no a, and, of, to: about three words in ten of a recipe are missing even when all is well.
    const double LeastKnownWords = 0.5;

    const double MostOfTheRest = 0.05;

    /// <summary>The paper's figures are reproduced: the set is the paper's, and each figure lies in the 95 % interval of ours.</summary>
    public static bool Confirms(IReadOnlyList<PaperFinding> findings) =>
        findings.Where(finding => finding.Id is "r1" or "r5" or "r10" or "set" or "clips").All(finding => finding.Agrees);

    public static IReadOnlyList<PaperFinding> Examine(
        EvaluationSettings settings, RetrievalSet set, Vocabulary vocabulary, IReadOnlyList<RetrievalRow> rows)
    {
        var row = rows.First(r => r.Direction == PublishedFigures.Paper.Direction);
        var paper = PublishedFigures.Paper;
        return
        [
            Figure("r1", row.R1, row.Ci95["r1"], paper.R1),
            Figure("r5", row.R5, row.Ci95["r5"], paper.R5),
            Figure("r10", row.R10, row.Ci95["r10"], paper.R10),
            new("set", set.Kind == PublishedFigures.YouCook2, $"{set.Name} ({set.Kind})", "YouCook2's validation clips (youcook_val_audio.pkl)"),
            new("clips", set.Count == PublishedFigures.YouCook2Clips, Text($"{set.Count} clips"), Text($"{PublishedFigures.YouCook2Clips}, those not in HowTo100M; another split is another gallery")),
            Sizes(settings.Model),
            new("audio_frames", settings.Evaluation.NumFramesMultiplier == 5, Text($"{settings.Evaluation.NumFramesMultiplier} x 1024 frames"), "5 x 1024 frames"),
            new("max_words", settings.MaxWords == 20, Text($"{settings.MaxWords} words"), "20 words"),
            .. Features(set),
            .. Audio(settings, set),
            .. Words(set, vocabulary),
            AudioBranch(rows, set),
        ];
    }

    static PaperFinding Figure(string id, double ours, double[] interval, double paper) => new(
        id, interval[0] <= paper && paper <= interval[1],
        Text($"{100 * ours:F1} % (95 %: {100 * interval[0]:F1} to {100 * interval[1]:F1})"), Text($"{100 * paper:F1} %"));

    static PaperFinding Sizes(ModelConfig model)
    {
        int[] published = [128, 128, 256, 512, 1024];
        var found = Text($"embd_dim {model.EmbdDim}, feature_dim {model.FeatureDim}, we_dim {model.WeDim}, {model.MelBands} mel bands, layer_widths [{string.Join(", ", model.LayerWidths)}]");
        var agrees = model is { EmbdDim: 6144, FeatureDim: 4096, WeDim: 300, MelBands: 40 } && model.LayerWidths.SequenceEqual(published);
        return new("weights", agrees, found, "the published sizes: 6144, 4096, 300, 40, [128, 128, 256, 512, 1024]");
    }

    static IEnumerable<PaperFinding> Features(RetrievalSet set)
    {
        foreach (var (name, norms) in new[] { ("2d", set.Norms.Select(n => n.Norm2d)), ("3d", set.Norms.Select(n => n.Norm3d)) })
        {
            var sorted = norms.Order().ToArray();
            var (median, zero) = (sorted[sorted.Length / 2], sorted.Count(norm => norm == 0) / (double)sorted.Length);
            yield return new($"features_{name}", median is >= (float)LeastNorm and <= (float)MostNorm && zero <= MostOfTheRest,
                Text($"median length {median:G3}, {100 * zero:F1} % are zero"),
                "length 1 or a little more: maxima over rows that the extractor had scaled to length 1 each");
        }
    }

    static IEnumerable<PaperFinding> Audio(EvaluationSettings settings, RetrievalSet set)
    {
        var frames = Enumerable.Range(0, set.Count).Select(set.FramesOf).Order().ToArray();
        var limit = 1024 * settings.Evaluation.NumFramesMultiplier;
        var (empty, cut) = (frames.Count(f => f < 16) / (double)set.Count, frames.Count(f => f > limit) / (double)set.Count);
        yield return new("audio_length", empty <= MostOfTheRest && cut <= MostOfTheRest && frames[frames.Length / 2] is >= 300 and <= 5120,
            Text($"median {frames[frames.Length / 2]} frames; {100 * empty:F1} % have fewer than 16, {100 * cut:F1} % are cut at {limit}"),
            "100 frames a second of the clip: a median between 300 and 5120, hardly any empty or cut (wrong sampling rate?)");
        var (least, most) = set.AudioRange();
        yield return new("audio_values", least is >= -80.5f and <= -20 && most is > -20 and <= 0.5f, Text($"{least:F1} to {most:F1}"),
            "decibels from -80 to 0, 0 being the loudest of a file");
    }

    static IEnumerable<PaperFinding> Words(RetrievalSet set, Vocabulary vocabulary)
    {
        var (all, known, mute) = (0L, 0L, 0);
        foreach (var caption in set.Captions)
        {
            var before = known;
            foreach (var token in Tokenizer.Enumerate(caption))
            {
                all++;
                if (vocabulary.IdOf(token.ToString()) != 0) known++;
            }

            if (known == before) mute++;
        }

        var share = all == 0 ? 0 : known / (double)all;
        yield return new("words", share >= LeastKnownWords && mute <= MostOfTheRest * set.Count,
            Text($"{100 * share:F1} % of {all} words have a vector; {mute} captions have none at all"),
            "more than half (GoogleNews, case-sensitive, no lower-casing)");
    }

    static PaperFinding AudioBranch(IReadOnlyList<RetrievalRow> rows, RetrievalSet set)
    {
        double Meanr(string direction) => rows.First(row => row.Direction == direction).Meanr;
        return new("audio_branch", !rows.Any(row => row.Direction is "t2a" or "t2v" && RetrievalHealth.IsAtChance(row, set.Denominator)),
            Text($"mean rank text to audio {Meanr("t2a"):F1}, text to video {Meanr("t2v"):F1} of {set.Denominator}"),
            Text($"both clearly below {(set.Denominator + 1) / 2.0:F1}, the mean rank of guessing"));
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
