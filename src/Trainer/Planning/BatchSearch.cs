using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <summary>Sizes of a step that fit into the memory there is, by the formula of <see cref="MemoryPlan"/>. Pure.</summary>
/// <param name="freeBytes">By device; `cpu` is the host.</param>
public sealed class BatchSearch(RunConfig config, Func<string, long> freeBytes, int snapshots = MemoryPlan.Snapshots)
{
    // 16 M clips are 4,000 x the paper's step; beyond it only counts of 32 bits would overflow.
    const long MostClips = 1 << 24;

    /// <summary>
    /// The largest batch_size that fits, 0 when none does. A step of more than one BatchNorm group is a whole number of them, and at least
    /// one a device; up to one group, on one device, every size will do.
    /// </summary>
    public int LargestBatch()
    {
        long group = config.Model.BatchnormGroup, clips = config.Data.NPair;
        var videosOfWholeGroups = group / Greatest(group, clips);
        var whole = Largest(MostClips / (videosOfWholeGroups * clips), count => Fits((int)(count * videosOfWholeGroups)));
        if (whole * videosOfWholeGroups * clips / group >= config.Devices.Count && whole > 0) return (int)(whole * videosOfWholeGroups);
        return config.Devices.Count > 1 ? 0 : (int)Largest(Math.Min(group, MostClips) / clips, count => Fits((int)count));
    }

    /// <summary>The largest batch_size whose every graph can be held: nothing is encoded twice.</summary>
    public int LargestWithEveryGraph() => With(config with { Optimizer = config.Optimizer with { MicroBatch = int.MaxValue } }).LargestBatch();

    /// <summary>The same in the memory of one BatchNorm group: the gradient cache.</summary>
    public int LargestWithCache() => With(config with { Optimizer = config.Optimizer with { MicroBatch = 0 } }).LargestBatch();

    /// <summary>
    /// The largest batchnorm_group with which the step as it is fits, in the memory of one group; 0 when none does. Another group gives
    /// other numbers, so this is for a person to decide.
    /// </summary>
    /// <param name="below">Only smaller ones.</param>
    public int LargestGroup(int below = int.MaxValue) =>
        Enumerable.Range(1, config.ClipsPerStep / config.Devices.Count).Reverse().Where(size => size >= 2 && size < below && config.ClipsPerStep % size == 0)
            .FirstOrDefault(size => MemoryPlan.Of(WithGroup(size), snapshots).Fits(freeBytes));

    RunConfig WithGroup(int size) => config with
    {
        Model = config.Model with { BatchnormGroup = size },
        Optimizer = config.Optimizer with { MicroBatch = 0 },
    };

    BatchSearch With(RunConfig other) => new(other, freeBytes, snapshots);

    bool Fits(int videos) => MemoryPlan.Of(config with { Data = config.Data with { BatchSize = videos } }, snapshots).Fits(freeBytes);

    /// <summary>The largest count from 0 to <paramref name="most"/> that fits; what needs more never needs less.</summary>
    static long Largest(long most, Func<long, bool> fits)
    {
        var (good, bad) = (0L, Math.Max(0, most) + 1);
        while (bad - good > 1)
        {
            var middle = good + ((bad - good) / 2);
            if (fits(middle)) good = middle;
            else bad = middle;
        }

        return good;
    }

    static long Greatest(long a, long b) => b == 0 ? a : Greatest(b, a % b);
}
