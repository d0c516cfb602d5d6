using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// How often to snapshot, from what it was measured to cost. Pure. Two-phase checkpoints as in CheckFreq (Mohan et al., FAST 2021): training
/// stands still for the copy only, and the interval makes that a small share of the time; never more than what may be lost.
/// </summary>
public sealed record CheckpointPace(CheckpointConfig Config)
{
    /// <summary>A disk that is busy with checkpoints longer than this share starves the loader.</summary>
    const double MostDiskShare = 0.25;

    /// <summary>Training stood still for the last snapshot.</summary>
    public TimeSpan Stall { get; init; }

    /// <summary>From the last snapshot to its verified checkpoint.</summary>
    public TimeSpan Write { get; init; }

    public TimeSpan Step { get; init; }

    TimeSpan MaxLoss => TimeSpan.FromSeconds(Config.MaxLossSeconds);

    /// <summary>What standing still allows.</summary>
    TimeSpan ByStall => Stall / Config.MaxOverhead;

    /// <summary>Between two snapshots in memory.</summary>
    public TimeSpan Memory => Min(Max(TimeSpan.FromSeconds(Config.MemoryEverySeconds), ByStall), Max(MaxLoss - Step - Stall, Stall));

    /// <summary>Between two checkpoints on disk: early enough that the next one is safe within what may be lost.</summary>
    public TimeSpan Disk => Max(Min(Max(MaxLoss - Write - Step, TimeSpan.FromSeconds(1)), MaxLoss), Write / MostDiskShare);

    /// <summary>The most that the death of the process costs.</summary>
    public TimeSpan AtRisk(bool memory) => memory ? Memory + Step + Stall : AtRiskMachine;

    /// <summary>The most that the death of the machine costs: a step before it is due, and the time until it is on disk.</summary>
    public TimeSpan AtRiskMachine => Disk + Step + Write;

    static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
