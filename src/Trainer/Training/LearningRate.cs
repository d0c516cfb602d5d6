using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The learning rate as a function of the step (mcn-spec §7.2): linear warm-up from 0 over W steps, then half a cosine down to 0 at
/// the last planned step. The very first step therefore has rate 0.
/// </summary>
public static class LearningRate
{
    /// <summary>Rate of a step.</summary>
    /// <param name="step">Steps done before this one, from 0.</param>
    /// <param name="totalSteps">Steps per epoch x epochs.</param>
    /// <param name="risesAgain">Spec Q16: the original does not clamp after the last planned step.</param>
    public static double At(long step, OptimizerConfig config, long totalSteps, bool risesAgain) =>
        config.Schedule == "constant" ? config.Lr : config.Lr * Factor(step, config.WarmupSteps, totalSteps, risesAgain);

    /// <summary>In [0, 1].</summary>
    public static double Factor(long step, long warmupSteps, long totalSteps, bool risesAgain)
    {
        if (step < warmupSteps) return step / (double)Math.Max(1, warmupSteps);
        var progress = (step - warmupSteps) / (double)Math.Max(1, totalSteps - warmupSteps);
        if (!risesAgain) progress = Math.Min(progress, 1);
        return Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress)));
    }
}
