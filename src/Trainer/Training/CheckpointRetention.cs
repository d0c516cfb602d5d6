using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>Which checkpoints stay, and why. Pure: the same list gives the same answer, so nothing needs to be written down.</summary>
public static class CheckpointRetention
{
    /// <summary>A crash loop must not fill the disk.</summary>
    public const int MostBeforeCrash = 2;

    /// <param name="entries">Oldest first.</param>
    /// <returns>For each, the rules that keep it: `last`, `best`, `epoch`, `pinned`, `before-crash`; none: it may go.</returns>
    public static IReadOnlyList<(CheckpointEntry Entry, IReadOnlyList<string> KeptBy)> Decide(IReadOnlyList<CheckpointEntry> entries, CheckpointConfig config)
    {
        var last = entries.TakeLast(config.KeepLast).ToHashSet();
        // Of equals the older one: it is the one that was called best.
        var best = entries.Where(entry => entry.Manifest.Metric is not null).OrderByDescending(entry => entry.Manifest.Metric).ThenBy(entry => entry.Step)
            .Take(config.KeepBest).ToHashSet();
        var crashed = entries.Where(entry => entry.Marks.Contains(CheckpointFolder.BeforeCrashMark)).TakeLast(MostBeforeCrash).ToHashSet();
        return [.. entries.Select(entry => (entry, (IReadOnlyList<string>)[.. Rules(entry)]))];

        IEnumerable<string> Rules(CheckpointEntry entry)
        {
            if (last.Contains(entry)) yield return "last";
            if (best.Contains(entry)) yield return "best";
            if (IsKeptEpoch(entry, config)) yield return "epoch";
            if (entry.Marks.Contains(CheckpointFolder.PinnedMark)) yield return CheckpointFolder.PinnedMark;
            if (crashed.Contains(entry)) yield return CheckpointFolder.BeforeCrashMark;
        }
    }

    /// <summary>At the end of an epoch, which is evaluated: just before that, the same step is another checkpoint.</summary>
    static bool IsKeptEpoch(CheckpointEntry entry, CheckpointConfig config) =>
        config.KeepEveryEpochs > 0 && entry.Manifest is { StepInEpoch: 0, Epoch: > 0 } manifest && manifest.EpochsClosed == manifest.Epoch
        && manifest.Epoch % config.KeepEveryEpochs == 0;
}
