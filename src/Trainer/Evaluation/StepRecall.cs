namespace Mcn.Web.Trainer.Evaluation;

/// <summary>Recall of step localisation over tasks, in the two ways it is reported (mcn-spec §9.4, Q28). Fractions. Pure.</summary>
/// <param name="AsCoded">Per video hits / steps present, mean over a task's videos, then over tasks: what the original's code does.</param>
/// <param name="Official">Per task all hits / all steps present, then mean over tasks: CrossTask's own definition.</param>
/// <param name="Videos">Videos counted.</param>
/// <param name="WithoutSteps">Videos without an annotated step: the original divides by zero there, here they are left out.</param>
public sealed record StepRecall(double AsCoded, double Official, int Videos, int WithoutSteps)
{
    public static StepRecall Of(IEnumerable<(string Task, StepHits Hits)> videos)
    {
        var all = videos.ToList();
        var counted = all.Where(video => video.Hits.Present > 0).ToList();
        if (counted.Count == 0) return new StepRecall(double.NaN, double.NaN, 0, all.Count);
        var tasks = counted.GroupBy(video => video.Task, video => video.Hits, StringComparer.Ordinal).ToList();
        return new StepRecall(
            tasks.Average(task => task.Average(hits => hits.Hits / (double)hits.Present)),
            tasks.Average(task => task.Sum(hits => hits.Hits) / (double)task.Sum(hits => hits.Present)),
            counted.Count,
            all.Count - counted.Count);
    }
}
