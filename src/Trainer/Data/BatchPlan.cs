using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Which videos form which batch: a function of (seed, epoch, step), so that a position in training is two numbers. Every epoch
/// is a fresh permutation of the list, or the order in which whole shards are read (<see cref="WindowPlan"/>); the videos that do not
/// fill a last batch wait for the next one (mcn-spec §2). Thread-safe; remembers the permutation of one epoch.
/// </summary>
public sealed class BatchPlan
{
    readonly Lock gate = new();
    readonly long seed;
    readonly int videos;
    readonly WindowPlan? windows;
    int[] order = [];
    int orderEpoch = -1;

    /// <param name="windows">The order of an epoch where shards are read whole; null: a permutation of the list.</param>
    public BatchPlan(long seed, int videos, int batchSize, WindowPlan? windows = null)
    {
        if (videos < batchSize)
        {
            throw new UserError("data.batch_size", $"{batchSize} videos a step with a list of {videos}",
                "at most the number of listed videos", "Lower it or list more videos", exitCode: 2);
        }

        this.seed = seed;
        this.videos = videos;
        this.windows = windows;
        BatchSize = batchSize;
    }

    /// <summary>B: videos of one batch.</summary>
    public int BatchSize { get; }

    public int StepsPerEpoch => (windows?.Visits ?? videos) / BatchSize;

    /// <summary>Rows of the video list.</summary>
    public int Videos => videos;

    /// <summary>Rows of the video list that form the batch of this step (both counted from 0).</summary>
    public void VideosOf(int epoch, int step, Span<int> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, StepsPerEpoch);
        lock (gate)
        {
            if (orderEpoch != epoch)
            {
                order = windows?.Of(epoch).Videos ?? new CounterRandom(seed, RandomPurpose.VideoOrder, epoch).Permutation(videos);
                orderEpoch = epoch;
            }

            order.AsSpan(step * BatchSize, BatchSize).CopyTo(destination);
        }
    }

    /// <summary>The position after this one.</summary>
    public (int Epoch, int Step) After(int epoch, int step) => step + 1 < StepsPerEpoch ? (epoch, step + 1) : (epoch + 1, 0);
}
