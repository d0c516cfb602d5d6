using System.Text.Json;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Retrieval figures as the original counts them: ties, MSR-VTT's denominator, whole videos.</summary>
static class RetrievalParity
{
    const int MsrvttClips = 1000;

    public static void Metrics(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var arrays = golden.Arrays("metrics.npz");
        foreach (var expected in golden.Json("metrics.json").GetProperty("compute_metrics").EnumerateArray())
        {
            bool On(string key) => expected.GetProperty(key).GetInt32() == 1;
            var matrix = arrays[expected.GetProperty("matrix").GetString()!];
            if (On("eval_lang_retrieval")) matrix = matrix.t().contiguous();
            var name = $"metrics.{expected.GetProperty("matrix").GetString()}{(On("eval_lang_retrieval") ? ".video_query" : "")}{(On("eval_msrvtt") ? ".msrvtt" : "")}";
            Compare(name, matrix, On("eval_msrvtt") ? MsrvttClips : (int)matrix.shape[0], expected, report);
        }
    }

    /// <summary>Text against video + audio, from the embeddings of forward_eval.</summary>
    public static void Evaluation(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var embeddings = golden.Arrays("forward_eval.npz");
        var similarity = embeddings["out_text"].mm((embeddings["out_video"].Plus(embeddings["out_audio"])).t());
        report.Near("retrieval_eval.sim_text_videoaudio", similarity, golden.Arrays("retrieval_eval.npz")["sim_text_videoaudio"], ParityReport.OutputLimit);
        Compare("retrieval_eval", similarity, (int)similarity.shape[0], golden.Description.GetProperty("retrieval_eval"), report);
    }

    /// <summary>
    /// The five extra YouCook2 groups. Votes that tie are broken by an unstable sort in the original, so those recalls are held to the
    /// range that any order of the tied gives.
    /// </summary>
    public static void WholeVideos(GoldenFolder golden, ParityReport report)
    {
        if (!golden.Json("metrics.json").TryGetProperty("youcook_recall", out var expected))
        {
            report.Skip("youcook_recall", "not in metrics.json");
            return;
        }

        var matrix = golden.Arrays("metrics.npz").Host(expected.GetProperty("matrix").GetString()!);
        string[] clips = [.. expected.GetProperty("clip_ids").EnumerateArray().Select(id => id.GetString()!)];
        var scores = matrix.ToSingles();
        foreach (var group in expected.GetProperty("groups").EnumerateObject())
        {
            foreach (var depth in new[] { 1, 5, 10 })
            {
                var name = $"youcook_recall.{group.Name}.R{depth}";
                var given = group.Value.GetProperty($"R{depth}").GetDouble();
                if (VideoRecall.Of(group.Name, scores, clips, depth) is not var (least, most))
                {
                    report.Fail(name, 1e-12, "a group that we do not know");
                    continue;
                }

                report.Add(new ParityCheck(name, Math.Max(0, Math.Max(least - given, given - most)), 1e-12, least < most ? "votes tie" : ""));
            }
        }
    }

    static void Compare(string name, Tensor similarity, int denominator, JsonElement expected, ParityReport report)
    {
        var ranks = RetrievalMetrics.OptimisticRanks(RetrievalEvaluator.Stand(similarity, eye(similarity.shape[0])));
        var figures = RetrievalMetrics.Figures(ranks, denominator);
        if (expected.TryGetProperty("n_matches", out var matches)) report.Same($"{name}.n_matches", [ranks.Length], [matches.GetInt32()]);
        report.Value($"{name}.R1", figures.R1, expected.GetProperty("R1").GetDouble(), 1e-12);
        report.Value($"{name}.R5", figures.R5, expected.GetProperty("R5").GetDouble(), 1e-12);
        report.Value($"{name}.R10", figures.R10, expected.GetProperty("R10").GetDouble(), 1e-12);
        report.Value($"{name}.MR", figures.MedR, expected.GetProperty("MR").GetDouble(), 1e-12);
    }
}
