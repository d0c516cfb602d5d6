namespace Mcn.Web.Trainer.Evaluation;

/// <summary>Steps of one video that were found.</summary>
/// <param name="Hits">Steps whose chosen second lies inside the ground truth.</param>
/// <param name="Present">Steps that have an annotated second.</param>
public sealed record StepHits(string Task, int Hits, int Present);

/// <summary>Step-localisation figures (mcn-spec §9.4, §9.5); definitions: docs/evaluation.md. Pure.</summary>
public static class LocalisationMetrics
{
    /// <param name="assignment">For each second its step.</param>
    /// <param name="truth">(T, K): the second belongs to the step.</param>
    public static StepHits Hits(string task, ReadOnlySpan<int> assignment, ReadOnlySpan<bool> truth, int steps)
    {
        var (hit, present) = (new bool[steps], new bool[steps]);
        for (var second = 0; second < assignment.Length; second++)
        {
            for (var step = 0; step < steps; step++) present[step] |= truth[(second * steps) + step];
            if (assignment[second] >= 0 && truth[(second * steps) + assignment[second]]) hit[assignment[second]] = true;
        }

        return new StepHits(task, hit.Count(step => step), present.Count(step => step));
    }

    /// <summary>CrossTask's own definition: hits and steps are summed over a task's videos, then the mean over the tasks.</summary>
    public static double PooledRecall(IEnumerable<StepHits> videos) => videos.GroupBy(video => video.Task)
        .Where(task => task.Sum(video => video.Present) > 0)
        .Select(task => task.Sum(video => video.Hits) / (double)task.Sum(video => video.Present)).DefaultIfEmpty(double.NaN).Average();

    /// <summary>
    /// As the original's evaluation is coded (spec Q28): the mean over a task's videos of each video's recall, then over the tasks. A video
    /// without an annotated step has none (there: NaN) and is left out.
    /// </summary>
    public static double RecallByVideo(IEnumerable<StepHits> videos) => videos.Where(video => video.Present > 0).GroupBy(video => video.Task)
        .Select(task => task.Average(video => video.Hits / (double)video.Present)).DefaultIfEmpty(double.NaN).Average();

    /// <summary>
    /// Intersection over detection and over union of one video: D the seconds decoded as a step, G the seconds annotated with it; means of
    /// |D∩G| / |D| and |D∩G| / |D∪G| over the steps that have an annotated second. Null when none has.
    /// </summary>
    public static (double IoD, double IoU)? Overlap(ReadOnlySpan<int> segmentation, ReadOnlySpan<bool> truth, int steps)
    {
        var (detected, annotated, both) = (new int[steps], new int[steps], new int[steps]);
        for (var second = 0; second < segmentation.Length; second++)
        {
            if (segmentation[second] >= 0) detected[segmentation[second]]++;
            for (var step = 0; step < steps; step++)
            {
                if (!truth[(second * steps) + step]) continue;
                annotated[step]++;
                if (segmentation[second] == step) both[step]++;
            }
        }

        var seen = Enumerable.Range(0, steps).Where(step => annotated[step] > 0).ToArray();
        if (seen.Length == 0) return null;
        return (seen.Average(step => detected[step] == 0 ? 0 : both[step] / (double)detected[step]),
            seen.Average(step => both[step] / (double)(detected[step] + annotated[step] - both[step])));
    }
}
