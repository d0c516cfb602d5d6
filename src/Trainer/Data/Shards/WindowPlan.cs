using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// The order of an epoch when shards are read whole (read_mode sequential): the shards are permuted and cut into windows of so many as half the memory holds
/// (the other half is being filled with the next window), and the videos of a window are permuted; with echo e, e times, each time anew. A
/// function of (seed, epoch) alone. When all shards fit into the memory they are one window that is read once, in the order of single reads.
/// Thread-safe; remembers the order of two epochs, because readers are in the next one before the last batch of this one is taken.
/// </summary>
public sealed class WindowPlan
{
    readonly Lock gate = new();
    readonly long seed;
    readonly int echo;
    readonly int[][] videosOfShard;
    readonly Queue<EpochOrder> epochs = new();

    /// <param name="shardBytes">Length of each shard.</param>
    /// <param name="shardOf">Shard of each video.</param>
    /// <param name="memoryBytes">data.shuffle_window_bytes.</param>
    /// <param name="echo">data.echo.</param>
    public WindowPlan(long seed, IReadOnlyList<long> shardBytes, IReadOnlyList<int> shardOf, long memoryBytes, int echo)
    {
        (this.seed, this.echo) = (seed, echo);
        videosOfShard = [.. Enumerable.Range(0, shardOf.Count).GroupBy(video => shardOf[video]).OrderBy(group => group.Key).Select(group => group.ToArray())];
        Shards = shardBytes.Count;
        Videos = shardOf.Count;
        LargestShardBytes = shardBytes.Max();
        IsResident = shardBytes.Sum() <= memoryBytes;
        var held = (int)Math.Min(memoryBytes / (2 * LargestShardBytes), Shards);
        if (!IsResident && held == 0)
        {
            throw new UserError("data.shuffle_window_bytes", $"{memoryBytes} bytes", $"at least {2 * LargestShardBytes}: two shards of {LargestShardBytes} bytes",
                "Raise it, set data.read_mode to random, or pack with a smaller --shard-mb", exitCode: 2);
        }

        if (LargestShardBytes > Array.MaxLength)
            throw new UserError("data.read_mode", $"a shard of {LargestShardBytes} bytes", "shards below 2 GB with sequential", "Pack with a smaller --shard-mb", exitCode: 2);
        ShardsPerWindow = IsResident ? Shards : held;
    }

    public int Shards { get; }

    public int Videos { get; }

    public long LargestShardBytes { get; }

    /// <summary>Everything is in memory after the first epoch has read it.</summary>
    public bool IsResident { get; }

    /// <summary>Shards in one window; the last ones of an epoch may have one less.</summary>
    public int ShardsPerWindow { get; }

    /// <summary>Places in the order of an epoch.</summary>
    public int Visits => checked(Videos * echo);

    /// <summary>
    /// The quality figure of the shuffle: how much likelier than in a full shuffle two videos of a batch come out of one shard (1: as in a
    /// full shuffle; <see cref="Shards"/>: no shuffle over shards). Shards are random samples of the list, so this is all that a window
    /// keeps together. It is the number of windows: w of S shards make w / S of the batches, and S / w as many pairs of one shard.
    /// </summary>
    public double Togetherness => Windows;

    /// <summary>Videos of a mean window.</summary>
    public double VideosPerWindow => (double)Videos / Windows;

    /// <summary>Windows of an epoch.</summary>
    public int Windows => (Shards + ShardsPerWindow - 1) / ShardsPerWindow;

    public EpochOrder Of(int epoch)
    {
        lock (gate)
        {
            foreach (var known in epochs)
                if (known.Epoch == epoch) return known;
            if (epochs.Count == 2) epochs.Dequeue();
            var order = Make(epoch);
            epochs.Enqueue(order);
            return order;
        }
    }

    EpochOrder Make(int epoch)
    {
        var shards = new CounterRandom(seed, RandomPurpose.WindowShards, epoch).Permutation(Shards);
        var order = new int[Visits];
        var (parts, starts, at) = (new List<int[]>(), new List<int>(), 0);
        for (var window = 0; window < Windows; window++)
        {
            // Windows of equal size: a last one of a single shard would be no shuffle.
            int[] held = shards[(int)((long)Shards * window / Windows)..(int)((long)Shards * (window + 1) / Windows)];
            int[] videos = [.. held.SelectMany(shard => videosOfShard[shard])];
            if (IsResident) Array.Sort(videos); // the list's order: then its permutation is that of single reads
            parts.Add(held);
            starts.Add(at);
            for (var visit = 0; visit < echo; visit++)
            {
                var random = IsResident && visit == 0
                    ? new CounterRandom(seed, RandomPurpose.VideoOrder, epoch)
                    : new CounterRandom(seed, RandomPurpose.WindowOrder, epoch, ((long)window * echo) + visit);
                foreach (var place in random.Permutation(videos.Length)) order[at++] = videos[place];
            }
        }

        return new EpochOrder(epoch, echo, order, [.. starts], [.. parts]);
    }
}

/// <summary>One epoch of a <see cref="WindowPlan"/>.</summary>
/// <param name="Videos">Place in the epoch → video.</param>
/// <param name="WindowStarts">Window → its first place.</param>
/// <param name="Shards">Window → its shards.</param>
public sealed record EpochOrder(int Epoch, int Echo, int[] Videos, int[] WindowStarts, int[][] Shards)
{
    public int WindowAt(int place)
    {
        var found = Array.BinarySearch(WindowStarts, place);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>How often the video at this place was visited before in this epoch.</summary>
    public int VisitAt(int place)
    {
        var window = WindowAt(place);
        return (place - WindowStarts[window]) / ((EndOf(window) - WindowStarts[window]) / Echo);
    }

    /// <summary>The place after a window's last one.</summary>
    public int EndOf(int window) => window + 1 < WindowStarts.Length ? WindowStarts[window + 1] : Videos.Length;
}
