using System.Diagnostics;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// The shards of the window that readers work on and of the next one, in memory, read by one thread from front to back in large pieces: the
/// one sequential stream of a disk that has to move its head. Holds at most data.shuffle_window_bytes; its buffers are made once and used
/// again. What could not be read stays unread here, and whoever wants it reads it by itself and gets the error. One lock guards everything.
/// </summary>
public sealed class WindowStream : IDisposable
{
    const int DefaultPieceBytes = 8 << 20;

    /// <summary>The window being used and the one being filled.</summary>
    const int MostWindows = 2;

    static readonly TimeSpan LongestJoin = TimeSpan.FromSeconds(10);

    readonly object gate = new();
    readonly ShardStore store;
    readonly WindowPlan plan;
    readonly BatchPlan batches;
    readonly DataCounters counters;
    readonly int pieceBytes;
    readonly Dictionary<(int Epoch, int Window), Held> windows = [];
    readonly Stack<byte[]> free = new();
    readonly Thread thread;
    bool disposed;
    Exception? failure;

    /// <param name="range">The first place, and the end.</param>
    /// <param name="pieceBytes">Of one read.</param>
    public WindowStream(ShardStore store, WindowPlan plan, BatchPlan batches, ReadRange range, DataCounters counters, int pieceBytes = DefaultPieceBytes)
    {
        (this.store, this.plan, this.batches, this.counters, this.pieceBytes) = (store, plan, batches, counters, pieceBytes);
        thread = new Thread(() => Run(range)) { Name = "disk-0", IsBackground = true };
        thread.Start();
    }

    /// <summary>Fills a slot while the window of its place stays in memory.</summary>
    public void During(Batch batch, int slot, Action<Batch, int> fill)
    {
        var key = KeyOf(batch, slot);
        Wait(key);
        try
        {
            fill(batch, slot);
        }
        finally
        {
            Leave(key);
        }
    }

    /// <summary>A shard in memory; null when it is not in the window of this slot (a replacement) or could not be read whole.</summary>
    internal byte[]? ShardOf(Batch batch, int slot, int shard)
    {
        lock (gate) return windows.TryGetValue(KeyOf(batch, slot), out var held) ? held.Shards.GetValueOrDefault(shard) : null;
    }

    internal int VisitOf(Batch batch, int slot) => plan.Of(batch.Epoch).VisitAt(PlaceOf(batch, slot));

    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            Monitor.PulseAll(gate);
        }

        thread.Join(LongestJoin); // a thread that hangs in a read of its file system is left behind
    }

    static int PlaceOf(Batch batch, int slot) => (batch.StepInEpoch * batch.Shape.Videos) + slot;

    (int Epoch, int Window) KeyOf(Batch batch, int slot) => plan.IsResident ? (0, 0) : (batch.Epoch, plan.Of(batch.Epoch).WindowAt(PlaceOf(batch, slot)));

    void Wait((int Epoch, int Window) key)
    {
        var began = Stopwatch.GetTimestamp();
        lock (gate)
        {
            while (!windows.TryGetValue(key, out var held) || !held.IsWhole)
            {
                ObjectDisposedException.ThrowIf(disposed, this);
                if (failure is not null) throw new InvalidOperationException("The reader of shards ended", failure);
                Monitor.Wait(gate);
            }
        }

        counters.Reads.Add(0, Stopwatch.GetTimestamp() - began); // the disk was waited for
    }

    void Leave((int Epoch, int Window) key)
    {
        lock (gate)
        {
            var held = windows[key];
            if (--held.Places > 0) return;
            windows.Remove(key);
            foreach (var buffer in held.Shards.Values.Concat(held.Torn)) free.Push(buffer);
            Monitor.PulseAll(gate);
        }
    }

    void Run(ReadRange range)
    {
        try
        {
            if (plan.IsResident)
            {
                Load((0, 0), [.. Enumerable.Range(0, plan.Shards)], long.MaxValue);
                return;
            }

            var first = range.Step * batches.BatchSize;
            for (var epoch = range.Epoch; epoch < range.EndEpoch; epoch++, first = 0)
            {
                var order = plan.Of(epoch);
                var end = batches.StepsPerEpoch * batches.BatchSize; // what fills no batch is not waited for
                for (var window = order.WindowAt(first); window < order.WindowStarts.Length; window++)
                {
                    var places = Math.Min(order.EndOf(window), end) - Math.Max(order.WindowStarts[window], first);
                    if (places > 0 && !Load((epoch, window), order.Shards[window], places)) return;
                }
            }
        }
        catch (Exception error) // whatever it is, readers must not wait for ever
        {
            lock (gate)
            {
                failure = error;
                Monitor.PulseAll(gate);
            }
        }
    }

    bool Load((int Epoch, int Window) key, int[] shards, long places)
    {
        Held held;
        lock (gate)
        {
            while (!disposed && windows.Count == MostWindows) Monitor.Wait(gate);
            if (disposed) return false;
            windows.Add(key, held = new Held { Places = places });
        }

        foreach (var shard in shards)
        {
            byte[] buffer;
            lock (gate) buffer = free.TryPop(out var used) ? used : LargePages.Allocate<byte>((int)(plan.IsResident ? store.ShardBytesOf(shard) : plan.LargestShardBytes));
            var isWhole = TryRead(shard, buffer);
            lock (gate)
            {
                if (disposed) return false;
                if (isWhole) held.Shards.Add(shard, buffer);
                else held.Torn.Add(buffer);
            }
        }

        lock (gate)
        {
            held.IsWhole = true;
            Monitor.PulseAll(gate);
        }

        return true;
    }

    bool TryRead(int shard, byte[] buffer)
    {
        var length = (int)store.ShardBytesOf(shard);
        try
        {
            for (var at = 0; at < length && !Volatile.Read(ref disposed); at += pieceBytes)
                store.Read(shard, at, buffer.AsSpan(at, Math.Min(pieceBytes, length - at)), counters.Stream);
            return true;
        }
        catch (UserError)
        {
            return false;
        }
    }

    sealed class Held
    {
        public Dictionary<int, byte[]> Shards { get; } = [];

        public List<byte[]> Torn { get; } = [];

        /// <summary>Slots that are still to be filled from it.</summary>
        public required long Places { get; set; }

        public bool IsWhole { get; set; }
    }
}
