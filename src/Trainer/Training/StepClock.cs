using System.Diagnostics;

namespace Mcn.Web.Trainer.Training;

/// <summary>Times of steps, from the end of one to the end of the next; what lies between Start and the first step counts to it.</summary>
public sealed class StepClock(int clipsPerStep)
{
    // Enough for a stable median; bounded for a run of months.
    const int Kept = 4096;

    readonly Queue<TimeSpan> steps = new();
    long lastTick;
    int stepsSinceReport;

    public TimeSpan LastStep { get; private set; }

    /// <summary>Time of the steps since <see cref="TakeSamplesPerSecond"/> was last asked.</summary>
    public TimeSpan SinceReport { get; private set; }

    /// <summary>Median of the last 4,096 steps.</summary>
    public TimeSpan Median
    {
        get
        {
            var sorted = steps.Order().ToArray();
            return sorted.Length == 0 ? TimeSpan.Zero : sorted[sorted.Length / 2];
        }
    }

    public void Start() => lastTick = Stopwatch.GetTimestamp();

    public void StepDone()
    {
        var now = Stopwatch.GetTimestamp();
        LastStep = Stopwatch.GetElapsedTime(lastTick, now);
        lastTick = now;
        SinceReport += LastStep;
        stepsSinceReport++;
        steps.Enqueue(LastStep);
        if (steps.Count > Kept) steps.Dequeue();
    }

    /// <summary>Clips a second since it was last asked.</summary>
    public double TakeSamplesPerSecond()
    {
        var rate = stepsSinceReport * clipsPerStep / Math.Max(SinceReport.TotalSeconds, 1e-9);
        (SinceReport, stepsSinceReport) = (TimeSpan.Zero, 0);
        return rate;
    }
}
