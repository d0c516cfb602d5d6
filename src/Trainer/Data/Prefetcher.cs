using System.Diagnostics;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>Where a <see cref="Prefetcher"/> starts (both from 0), and the epoch before which it stops.</summary>
public readonly record struct ReadRange(int Epoch, int Step, int EndEpoch);

/// <summary>
/// Named reader threads fill batches ahead of the training thread, in the order of the <see cref="BatchPlan"/>; what a batch holds
/// does not depend on the number of threads. Batches being filled or waiting never take more than the given bytes; those in the
/// consumer's hands come on top. The failure of a reader reaches the consumer at <see cref="Next"/>, in the place of the batch it
/// belongs to: batches before it are delivered first, and every later call fails the same way. One lock guards everything.
/// </summary>
public sealed class Prefetcher : IDisposable
{
    static readonly TimeSpan LongestJoin = TimeSpan.FromSeconds(10);

    // More than this smooths nothing; without it a generous byte bound fills up with small batches.
    const int MostBatches = 16;

    readonly object gate = new();
    readonly BatchPlan plan;
    readonly BatchShape shape;
    readonly int endEpoch;
    readonly Queue<BatchFill> fills = new();
    readonly Stack<Batch> free = new();
    readonly List<Thread> threads = [];
    readonly IDisposable? source;
    BatchFill? current;
    int epoch;
    int step;
    long waitTicks;
    bool failed;
    bool disposed;

    /// <param name="plan">Which videos form which batch.</param>
    /// <param name="shape">Sizes of a batch.</param>
    /// <param name="range">First position, and the end.</param>
    /// <param name="readers">Threads.</param>
    /// <param name="readAheadBytes">Bound of the batches being filled or waiting.</param>
    /// <param name="createReader">Called on each thread.</param>
    /// <param name="source">What all threads read from; disposed with this, before the threads are waited for. Null: nothing.</param>
    public Prefetcher(BatchPlan plan, BatchShape shape, ReadRange range, int readers, long readAheadBytes, Func<SlotReader> createReader, IDisposable? source = null)
    {
        if (shape.Bytes > readAheadBytes)
        {
            throw new UserError("data.read_ahead_bytes", $"{readAheadBytes} bytes", $"at least the {shape.Bytes} bytes of one batch",
                "Raise it, or lower batch_size, n_pair or howto_audio_frames", exitCode: 2);
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(readers);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(range.Step, plan.StepsPerEpoch);
        this.plan = plan;
        this.shape = shape;
        this.source = source;
        (epoch, step, endEpoch) = (range.Epoch, range.Step, range.EndEpoch);
        Capacity = (int)Math.Min(readAheadBytes / shape.Bytes, MostBatches);
        for (var i = 0; i < readers; i++)
        {
            var thread = new Thread(() => Run(createReader)) { Name = $"reader-{i}", IsBackground = true };
            threads.Add(thread);
            thread.Start();
        }
    }

    /// <summary>Batches that may be filled or waiting at one time.</summary>
    public int Capacity { get; }

    /// <summary>Time the consumer spent waiting in <see cref="Next"/> since the start.</summary>
    public TimeSpan ConsumerWait => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref waitTicks));

    /// <summary>Full batches that wait for the consumer.</summary>
    public int QueueDepth
    {
        get
        {
            lock (gate) return fills.TakeWhile(fill => fill.IsSettled && fill.Fault is null).Count();
        }
    }

    /// <summary>
    /// The next batch; blocks until it is full. It is the consumer's until <see cref="Return"/>. Throws what a reader threw, and
    /// InvalidOperationException after the last batch of the range.
    /// </summary>
    public Batch Next(CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        using var wake = cancellation.UnsafeRegister(static state => ((Prefetcher)state!).Wake(), this);
        try
        {
            lock (gate)
            {
                while (true)
                {
                    ObjectDisposedException.ThrowIf(disposed, this);
                    cancellation.ThrowIfCancellationRequested();
                    if (fills.TryPeek(out var first))
                    {
                        if (first.IsSettled)
                        {
                            first.Fault?.Throw();
                            fills.Dequeue();
                            Monitor.PulseAll(gate);
                            return first.Batch;
                        }
                    }
                    else if (epoch >= endEpoch)
                    {
                        throw new InvalidOperationException($"No batch after epoch {endEpoch}");
                    }

                    Monitor.Wait(gate);
                }
            }
        }
        finally
        {
            Interlocked.Add(ref waitTicks, Stopwatch.GetTimestamp() - began);
        }
    }

    /// <summary>Gives the buffers back for a later batch.</summary>
    public void Return(Batch batch)
    {
        lock (gate)
        {
            if (free.Contains(batch)) throw new InvalidOperationException("The batch was returned before");
            free.Push(batch);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Stops the readers. A thread that does not end soon hangs in a read of its file system and is left behind.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            Monitor.PulseAll(gate);
        }

        source?.Dispose();
        var began = Stopwatch.GetTimestamp();
        foreach (var thread in threads)
        {
            var left = LongestJoin - Stopwatch.GetElapsedTime(began);
            thread.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    void Wake()
    {
        lock (gate) Monitor.PulseAll(gate);
    }

    void Run(Func<SlotReader> createReader)
    {
        SlotReader? reader = null;
        while (Claim(out var fill, out var slot))
        {
            Exception? fault = null;
            try
            {
                reader ??= createReader();
                reader.Fill(fill.Batch, slot);
            }
            catch (Exception error)
            {
                fault = error; // whatever it is, it is thrown at the consumer
            }

            lock (gate)
            {
                fill.Finish(slot, fault);
                failed |= fault is not null;
                if (fill.IsSettled || failed) Monitor.PulseAll(gate);
            }
        }

        reader?.Resources?.Dispose();
    }

    /// <summary>Waits for a slot; false when there will be none.</summary>
    bool Claim(out BatchFill fill, out int slot)
    {
        lock (gate)
        {
            while (!disposed && !failed)
            {
                if (current is { HasSlot: true } || Begin())
                {
                    fill = current!;
                    slot = fill.Claim();
                    return true;
                }

                if (failed || epoch >= endEpoch) break;
                Monitor.Wait(gate);
            }
        }

        (fill, slot) = (null!, 0);
        return false;
    }

    // Starts the next batch of the plan if the bound allows another one.
    bool Begin()
    {
        if (epoch >= endEpoch || fills.Count >= Capacity) return false;
        try
        {
            var batch = free.TryPop(out var used) ? used : new Batch(shape);
            batch.Epoch = epoch;
            batch.StepInEpoch = step;
            plan.VideosOf(epoch, step, batch.Videos);
            (epoch, step) = plan.After(epoch, step);
            fills.Enqueue(current = new BatchFill(batch));
            return true;
        }
        catch (Exception error)
        {
            fills.Enqueue(BatchFill.Failed(error)); // no memory for the buffers, for one
            failed = true;
            Monitor.PulseAll(gate);
            return false;
        }
    }
}
