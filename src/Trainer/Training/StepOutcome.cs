using System.Diagnostics;
using Mcn.Web.Trainer.Objective;

namespace Mcn.Web.Trainer.Training;

/// <summary>What one step gave.</summary>
/// <param name="Loss">Null when it was not read back.</param>
/// <param name="HostToDevice">Of the rank that took longest. Each of the others ends when the slowest rank has done it; together they are the step.</param>
/// <param name="Exchange">Gradients summed and weights copied between ranks; zero for one rank.</param>
public sealed record StepOutcome(LossValues? Loss, TimeSpan HostToDevice, TimeSpan Forward, TimeSpan Backward, TimeSpan Exchange, TimeSpan Optimizer)
{
    /// <summary>Norm of the gradient of all parameters over all clips, before the update; null when it was not read back.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>How memory ran short before the step succeeded with fewer graphs; mostly empty.</summary>
    public IReadOnlyList<Shortage> Shortages { get; init; } = [];
}

/// <summary>A step's loss on the host; a term that is off is null.</summary>
public sealed record LossValues(double Total, double? TextVideo, double? AudioText, double? AudioVideo, double? Cluster, double? Reconstruction)
{
    public static LossValues From(LossBreakdown loss)
    {
        var values = new[] { loss.TextVideo, loss.AudioText, loss.AudioVideo, loss.Cluster, loss.Reconstruction }
            .Select(term => (double?)term?.item<float>()).ToArray(); // sync
        return new LossValues(values.Sum(value => value ?? 0), values[0], values[1], values[2], values[3], values[4]);
    }
}

/// <summary>
/// When rank 0 stood between the parts of a step (ticks of Stopwatch). All ranks meet there, so its times are those of the slowest one; only
/// the copies to the devices have no meeting of their own.
/// </summary>
/// <param name="Encoded">Every clip has its embeddings.</param>
/// <param name="Differentiated">Every group has its gradient.</param>
/// <param name="Summed">Every parameter's owner has its gradient over all groups.</param>
/// <param name="Updated">Every owner has updated its parameters.</param>
/// <param name="Done">The others have them too.</param>
readonly record struct StepTimes(long Began, long Encoded, long Differentiated, long Summed, long Updated, long Done)
{
    /// <param name="alone">One rank: it exchanges nothing, and its groups' sum is the end of its backward pass.</param>
    public StepOutcome Outcome(ReplicaStep step, LossValues? loss, bool alone)
    {
        var copying = step.Copying.MaxBy(one => one.All);
        var summing = Stopwatch.GetElapsedTime(Differentiated, Summed);
        return new StepOutcome(
            loss,
            copying.All,
            Stopwatch.GetElapsedTime(Began, Encoded) - copying.First,
            Stopwatch.GetElapsedTime(Encoded, Differentiated) - (copying.All - copying.First) + (alone ? summing : TimeSpan.Zero),
            alone ? TimeSpan.Zero : summing + Stopwatch.GetElapsedTime(Updated, Done),
            Stopwatch.GetElapsedTime(Summed, Updated))
        {
            GradientNorm = step.Read ? Math.Sqrt(step.GradientNorms.Sum(norm => norm * norm)) : null,
        };
    }
}
