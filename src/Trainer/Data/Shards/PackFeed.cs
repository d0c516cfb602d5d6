using System.Runtime.ExceptionServices;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// Encodes the videos of a pack on several threads and hands them out in the order of the permutation. It holds at most
/// <see cref="AtOnce"/> videos a thread. Used by one thread.
/// </summary>
sealed class PackFeed(Func<RecordEncoder> encoder, VideoList videos, int[] order, int threads) : IDisposable
{
    /// <summary>Two: while the slowest of a group ends, the others have another one.</summary>
    const int AtOnce = 2;

    readonly ThreadLocal<RecordEncoder> encoders = new(encoder, trackAllValues: true);
    readonly Queue<Fed> ready = new();
    int encoded;

    /// <summary>Goes to a place in the order.</summary>
    public void Seek(int position)
    {
        if (ready.Count > 0 && ready.Peek().Position == position) return;
        ready.Clear();
        encoded = position;
    }

    /// <summary>The next video, which stays; null after the last.</summary>
    public Fed? Peek(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (ready.Count == 0) Encode();
        return ready.Count > 0 ? ready.Peek() : null;
    }

    public void Take() => ready.Dequeue();

    public void Dispose()
    {
        foreach (var one in encoders.Values) one.Dispose();
        encoders.Dispose();
    }

    void Encode()
    {
        var group = new Fed[Math.Min(threads * AtOnce, order.Length - encoded)];
        Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => group[i] = Encode(encoded + i));
        encoded += group.Length;
        foreach (var one in group)
        {
            one.Failure?.Throw();
            ready.Enqueue(one);
        }
    }

    Fed Encode(int position)
    {
        try
        {
            return new Fed(position, encoders.Value!.Encode(order[position]), null, null);
        }
        catch (UserError error) when (error.ExitCode == ExitCodes.Fails)
        {
            return new Fed(position, null, new SkippedVideo(videos.PathOf(order[position]), error.Message), null);
        }
        catch (Exception error)
        {
            return new Fed(position, null, null, ExceptionDispatchInfo.Capture(error));
        }
    }
}

/// <summary>A video of a pack: its record, or why there is none.</summary>
sealed record Fed(int Position, PackedVideo? Video, SkippedVideo? Skipped, ExceptionDispatchInfo? Failure);
