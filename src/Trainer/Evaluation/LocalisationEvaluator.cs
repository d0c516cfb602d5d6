using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Evaluation;

/// <summary>Figures of one way to score, by name (fractions); see docs/evaluation.md for their definitions.</summary>
/// <param name="Direction">t2va: text against video + audio; t2v; t2a.</param>
public sealed record LocalisationRow(string Direction, IReadOnlyDictionary<string, double> Figures);

/// <param name="TooShort">Videos with fewer seconds than steps: no order fits, they are left out.</param>
/// <param name="WithoutSteps">Videos without an annotated step, which no recall can be of.</param>
public sealed record LocalisationResult(IReadOnlyList<LocalisationRow> Rows, int TooShort, int WithoutSteps);

/// <summary>
/// Step localisation of CrossTask and Mining YouTube (mcn-spec §9.4, §9.5): the score of step and second is the dot product of the step's
/// text with the second's video + audio, video, or audio. One video is in memory at a time.
/// </summary>
public static class LocalisationEvaluator
{
    const int WindowFrames = 1024;

    // The text branch needs no audio; the tower wants some frames all the same.
    const int LeastFrames = 16;

    /// <param name="encode">Embeddings of a filled batch in evaluation mode, without graph.</param>
    public static LocalisationResult Evaluate(EvaluationSettings settings, LocalisationSet set, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        using var noGrad = no_grad();
        string[] directions = ["t2va", "t2v", "t2a"];
        var videos = directions.ToDictionary(direction => direction, _ => new List<Localised>());
        var tooShort = 0;
        foreach (var video in set.Videos)
        {
            var input = set.Read(video, settings.Model.FeatureDim, settings.Model.MelBands);
            if (input.Seconds < video.Steps.Count)
            {
                tooShort++;
                continue;
            }

            using var scope = NewDisposeScope();
            var text = EncodeSteps(settings, video, vocabulary, encode);
            var (v, a) = EncodeSeconds(settings, input, encode);
            foreach (var (direction, seconds) in directions.Zip(new[] { v.Plus(a), v, a }))
            {
                var scores = seconds.mm(text.t()).cpu().contiguous().data<float>().ToArray();
                videos[direction].Add(Localise(video, input, scores, set.IsCrossTask));
            }
        }

        return new LocalisationResult(
            [.. directions.Select(direction => new LocalisationRow(direction, Figures(set, videos[direction])))],
            tooShort,
            videos["t2va"].Count(video => video.Hits.Present == 0));
    }

    static Localised Localise(LocalisationVideo video, LocalisationInput input, float[] scores, bool isCrossTask)
    {
        var steps = video.Steps.Count;
        if (!isCrossTask) scores = FullSegmentation.LogSoftmax(scores, steps);
        var overlap = isCrossTask ? default : FullSegmentation.Overlap(FullSegmentation.Decode(scores, steps), input.Truth, steps);
        return new Localised(
            video.Task,
            StepLocalisation.Count(StepLocalisation.Align(scores, steps), input.Truth, steps),
            StepLocalisation.Count(StepLocalisation.Align(scores, steps, emptyWhenTight: true), input.Truth, steps),
            overlap.Iod,
            overlap.Iou);
    }

    static Dictionary<string, double> Figures(LocalisationSet set, List<Localised> videos)
    {
        var recall = StepRecall.Of(videos.Select(video => (video.Task, video.Hits)));
        if (!set.IsCrossTask)
        {
            var annotated = videos.FindAll(video => video.Hits.Present > 0);
            return new()
            {
                ["recall"] = recall.AsCoded,
                ["iod"] = annotated.Select(video => video.Iod).DefaultIfEmpty(double.NaN).Average(),
                ["iou"] = annotated.Select(video => video.Iou).DefaultIfEmpty(double.NaN).Average(),
            };
        }

        var figures = new Dictionary<string, double>
        {
            ["recall_official"] = recall.Official,
            ["recall_original"] = StepRecall.Of(videos.Select(video => (video.Task, video.AsCoded))).AsCoded,
        };
        if (set.Cooking.Count == 0) return figures;
        foreach (var (name, cooks) in new[] { ("cooking", true), ("other", false) })
        {
            var some = videos.Where(video => set.Cooking.Contains(video.Task) == cooks);
            figures[$"recall_official_{name}"] = StepRecall.Of(some.Select(video => (video.Task, video.Hits))).Official;
        }

        return figures;
    }

    static Tensor EncodeSteps(EvaluationSettings settings, LocalisationVideo video, Vocabulary vocabulary, Func<RetrievalBatch, Embeddings> encode)
    {
        var batch = new RetrievalBatch(video.Steps.Count, settings.Model.FeatureDim, settings.Model.MelBands, LeastFrames, settings.MaxWords) { Count = video.Steps.Count };
        for (var step = 0; step < batch.Count; step++) vocabulary.Encode(video.Steps[step], batch.Tokens.AsSpan(step * batch.Words, batch.Words));
        return encode(batch).Text;
    }

    static (Tensor Video, Tensor Audio) EncodeSeconds(EvaluationSettings settings, LocalisationInput input, Func<RetrievalBatch, Embeddings> encode)
    {
        var (width, bands, frames) = (settings.Model.FeatureDim, settings.Model.MelBands, (int)input.Audio.Shape[1]);
        var batch = new RetrievalBatch(Math.Min(settings.Evaluation.BatchSizeVal, input.Seconds), width, bands, WindowFrames, 1);
        var padding = (float)SpectrogramCutter.PaddingOf(settings.Compatibility.PadWithLoudest);
        var pooled = new float[checked(input.Seconds * width)];
        StepFeatures.Pool(input.Features2d, input.Seconds, pooled, width, 0);
        StepFeatures.Pool(input.Features3d, input.Seconds, pooled, width, (int)input.Features2d.Shape[1]);
        var (videos, audios) = (new List<Tensor>(), new List<Tensor>());
        for (var first = 0; first < input.Seconds; first += batch.Capacity)
        {
            using var scope = NewDisposeScope();
            batch.Count = Math.Min(batch.Capacity, input.Seconds - first);
            pooled.AsSpan(first * width, batch.Count * width).CopyTo(batch.Video);
            for (var i = 0; i < batch.Count; i++)
            {
                var slice = StepFeatures.Frames(StepFeatures.Window(first + i, input.Seconds), frames);
                batch.FrameCounts[i] = slice.Count;
                for (var band = 0; band < bands; band++)
                {
                    var row = batch.Audio.AsSpan(((i * bands) + band) * WindowFrames, WindowFrames);
                    var valid = Math.Min(slice.Count, WindowFrames);
                    input.Audio.CopyTo((band * frames) + slice.First, row[..valid]);
                    row[valid..].Fill(padding);
                }
            }

            var embeddings = encode(batch);
            videos.Add(embeddings.Video.narrow(0, 0, batch.Count).clone().MoveToOuterDisposeScope());
            audios.Add(embeddings.Audio.narrow(0, 0, batch.Count).clone().MoveToOuterDisposeScope());
        }

        return (cat(videos, 0), cat(audios, 0));
    }

    /// <param name="AsCoded">Hits with the fault of the original's routine: none where a video has as many seconds as steps.</param>
    sealed record Localised(string Task, StepHits Hits, StepHits AsCoded, double Iod, double Iou);
}
