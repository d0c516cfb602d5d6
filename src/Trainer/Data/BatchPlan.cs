using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Which videos form which batch: a function of (seed, epoch, step), so that a position in training is two numbers. Every epoch
/// is a fresh permutation of the list; the videos that do not fill a last batch wait for the next one (mcn-spec §2).
/// Thread-safe; remembers the permutation of one epoch.
/// </summary>
public sealed class BatchPlan
{
    readonly Lock gate = new();
    readonly long seed;
    readonly int videos;
    int[] order = [];
    int orderEpoch = -1;

    public BatchPlan(long seed, int videos, int batchSize)
    {
        if (videos < batchSize)
        {
            throw new UserError("data.batch_size", $"{batchSize} videos a step with a list of {videos}",
                "at most the number of listed videos", "Lower it or list more videos", exitCode: 2);
        }

        this.seed = seed;
        this.videos = videos;
        BatchSize = batchSize;
    }

    /// <summary>B: videos of one batch.</summary>
    public int BatchSize { get; }

    public int StepsPerEpoch => videos / BatchSize;

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
                order = new CounterRandom(seed, RandomPurpose.VideoOrder, epoch).Permutation(videos);
                orderEpoch = epoch;
            }

            order.AsSpan(step * BatchSize, BatchSize).CopyTo(destination);
        }
    }

    /// <summary>The position after this one.</summary>
    public (int Epoch, int Step) After(int epoch, int step) => step + 1 < StepsPerEpoch ? (epoch, step + 1) : (epoch + 1, 0);
}
