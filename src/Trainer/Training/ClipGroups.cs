using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The BatchNorm groups of a step: consecutive clips, all groups of one size. They decide the numbers; which rank encodes a group, and
/// whether once or twice, does not.
/// </summary>
/// <param name="Clips">N.</param>
/// <param name="Count">Groups, a divisor of N.</param>
public sealed record ClipGroups(int Clips, int Count)
{
    public static ClipGroups Of(RunConfig config) => new(config.ClipsPerStep, config.BatchnormGroups);

    /// <summary>Clips of one group.</summary>
    public int Size => Clips / Count;

    /// <summary>What a rank encodes: contiguous, and as even as whole groups allow.</summary>
    public GroupRange OfRank(int rank, int ranks) => new((int)((long)Count * rank / ranks), (int)((long)Count * (rank + 1) / ranks));
}

/// <summary>Groups from <see cref="First"/> to before <see cref="End"/>.</summary>
public readonly record struct GroupRange(int First, int End)
{
    public int Count => End - First;
}
