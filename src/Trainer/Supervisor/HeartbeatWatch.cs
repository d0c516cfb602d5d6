using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>How long a lane may stand still in which phase.</summary>
/// <param name="Floor">While steps go on: never less than this.</param>
/// <param name="MedianFactor">… and so many median steps.</param>
/// <param name="Slow">While opening data, evaluating, saving: disks may be slow.</param>
public sealed record HangLimits(TimeSpan Floor, double MedianFactor, TimeSpan Slow)
{
    public static HangLimits Default { get; } = new(TimeSpan.FromSeconds(60), 20, TimeSpan.FromMinutes(15));
}

/// <param name="Lane">The lane that stands still.</param>
/// <param name="Phase">Null: the worker never opened its recorder.</param>
/// <param name="StillFor">Since its last mark.</param>
/// <param name="Limit">What would have been allowed.</param>
public sealed record Hang(string Lane, RecorderPhase? Phase, long? Step, TimeSpan StillFor, TimeSpan Limit)
{
    public string Text => FormattableString.Invariant(
        $"{Lane} stands still for {StillFor.TotalSeconds:F0} s in {Phase?.ToString().ToLowerInvariant() ?? "start-up"} after step {Step} (limit {Limit.TotalSeconds:F0} s)");
}

/// <summary>Decides from a recorder whether its process hangs. Pure: what was seen when is all it knows.</summary>
public static class HeartbeatWatch
{
    /// <param name="content">Null: no recorder of this worker yet.</param>
    /// <param name="started">When the worker was started.</param>
    /// <returns>Null: it lives.</returns>
    public static Hang? Judge(RecorderContent? content, DateTimeOffset started, DateTimeOffset now, HangLimits limits)
    {
        if (content is null) return now - started > limits.Slow ? new Hang("worker", null, null, now - started, limits.Slow) : null;
        var median = content.MedianStep();
        return content.Lanes
            .Select(lane => Judge(lane, content.Started, median, now, limits))
            .Where(hang => hang is not null)
            .MaxBy(hang => hang!.StillFor);
    }

    static Hang? Judge(LaneContent lane, DateTimeOffset started, TimeSpan? median, DateTimeOffset now, HangLimits limits)
    {
        var limit = Limit(lane.Last?.Phase, median, limits);
        var still = now - (lane.Last?.Time ?? started);
        return still > limit ? new Hang(lane.Name, lane.Last?.Phase, lane.Last?.Step, still, limit) : null;
    }

    /// <summary>The limit of a phase: the first step compiles and warms up, so without a median it is a slow phase too.</summary>
    static TimeSpan Limit(RecorderPhase? phase, TimeSpan? median, HangLimits limits)
    {
        var slow = phase is null or RecorderPhase.Setup or RecorderPhase.Evaluate or RecorderPhase.Checkpoint or RecorderPhase.Leaving;
        if (slow) return limits.Slow;
        if (median is null) return limits.Floor * 2 < limits.Slow ? limits.Floor * 2 : limits.Slow;
        var byStep = median.Value * limits.MedianFactor;
        return byStep > limits.Floor ? byStep : limits.Floor;
    }
}
