using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// The black box of one worker process: a mapped file that outlives it. Lanes are written without a lock, each by its one thread;
/// last words and the clean end by whoever ends the process. A mark is a memory write of some 50 ns.
/// </summary>
public sealed unsafe class FlightRecorder : IDisposable
{
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly byte* start;
    readonly object gate = new();
    bool disposed;

    FlightRecorder(MemoryMappedFile file, IReadOnlyList<string> lanes, Func<long> microseconds)
    {
        this.file = file;
        view = file.CreateViewAccessor();
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer;
        Lanes = [.. lanes.Select((name, index) =>
        {
            var at = start + RecorderLayout.LanesStartAt + index * (long)RecorderLayout.LaneBytes;
            Encoding.UTF8.GetBytes(name).AsSpan().CopyTo(new Span<byte>(at, RecorderLayout.LaneNameBytes));
            return new RecorderLane(at + RecorderLayout.LaneHeaderBytes, (long*)(start + RecorderLayout.HeartbeatAt), microseconds);
        })];
    }

    public IReadOnlyList<RecorderLane> Lanes { get; }

    /// <summary>Puts a new recorder in the place of the last incarnation's.</summary>
    /// <param name="lanes">Name of each lane, one a rank; at most 32 bytes.</param>
    /// <exception cref="UserError">No space: the file's blocks are taken at once, because a hole in a mapped file kills its writer.</exception>
    public static FlightRecorder Create(string path, string run, int incarnation, IReadOnlyList<string> lanes, TimeProvider time)
    {
        var bytes = RecorderLayout.FileBytes(lanes.Count);
        var temporary = path + ".tmp";
        // Stopwatch is twice as fast as the clock; both start here.
        var (origin, ticks) = (Microseconds(time), Stopwatch.GetTimestamp());
        try
        {
            File.Delete(temporary);
            using (var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None, bytes))
            {
                RandomAccess.SetLength(handle, bytes);
                RandomAccess.Write(handle, Header(run, incarnation, lanes.Count, origin, ticks), 0);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError(path, $"cannot be created ({error.Message})", $"{bytes} bytes on a writable disk", "Free space", inner: error);
        }

        return new FlightRecorder(MemoryMappedFile.CreateFromFile(path, FileMode.Open), lanes,
            () => origin + (Stopwatch.GetTimestamp() - ticks) / (Stopwatch.Frequency / 1_000_000));
    }

    /// <summary>Text of what ends the process; the newest stays. Callable from any thread.</summary>
    public void LastWords(string text)
    {
        lock (gate)
        {
            if (disposed) return;
            var bytes = Encoding.UTF8.GetBytes(text);
            var kept = bytes.AsSpan(0, Math.Min(bytes.Length, RecorderLayout.LastWordsTextBytes));
            var block = new Span<byte>(start + RecorderLayout.LastWordsAt, RecorderLayout.LastWordsBytes);
            kept.CopyTo(block[8..]);
            BinaryPrimitives.WriteUInt32LittleEndian(block[4..], Crc32.HashToUInt32(kept));
            BinaryPrimitives.WriteInt32LittleEndian(block, kept.Length);
        }
    }

    /// <summary>The process leaves in order: nobody needs to investigate.</summary>
    public void MarkCleanEnd()
    {
        lock (gate)
        {
            if (!disposed) *(int*)(start + RecorderLayout.CleanEndAt) = 1;
        }
    }

    static byte[] Header(string run, int incarnation, int lanes, long started, long monotonic)
    {
        var header = new byte[RecorderLayout.HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, RecorderLayout.Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(RecorderLayout.VersionAt), RecorderLayout.Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(RecorderLayout.LanesAt), lanes);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(RecorderLayout.IncarnationAt), incarnation);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(RecorderLayout.ProcessAt), Environment.ProcessId);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(RecorderLayout.StartedAt), started);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(RecorderLayout.HeartbeatAt), started);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(RecorderLayout.MonotonicAt), monotonic);
        Encoding.UTF8.GetBytes(run).AsSpan().CopyTo(header.AsSpan(RecorderLayout.RunAt, RecorderLayout.RunBytes));
        return header;
    }

    static long Microseconds(TimeProvider time) => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>The threads of the lanes have ended before.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file.Dispose();
        }
    }
}

/// <summary>One thread's ring of marks.</summary>
public sealed unsafe class RecorderLane
{
    readonly byte* ring;
    readonly long* heartbeat;
    readonly Func<long> microseconds;
    readonly int[] samples = new int[RecorderLayout.MostSamples];
    long sequence;
    int sampleCount;

    internal RecorderLane(byte* ring, long* heartbeat, Func<long> microseconds)
    {
        this.ring = ring;
        this.heartbeat = heartbeat;
        this.microseconds = microseconds;
    }

    /// <summary>Steps done; goes into every mark.</summary>
    public long Step { get; set; }

    public int Epoch { get; set; }

    /// <summary>Of the last mark.</summary>
    public RecorderPhase Phase { get; private set; }

    /// <summary>What the marks from now on belong to.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="ids">The first samples of the batch in hand.</param>
    public void Begin(long step, int epoch, ReadOnlySpan<int> ids)
    {
        (Step, Epoch) = (step, epoch);
        SetSamples(ids);
    }

    /// <summary>The first samples of the batch in hand; empty between batches.</summary>
    public void SetSamples(ReadOnlySpan<int> ids)
    {
        sampleCount = Math.Min(ids.Length, samples.Length);
        ids[..sampleCount].CopyTo(samples);
    }

    /// <summary>Writes where the thread is.</summary>
    /// <param name="loss">Of the step, when it was read.</param>
    public void Mark(RecorderPhase phase, double loss = double.NaN)
    {
        var next = ++sequence;
        Phase = phase;
        var record = ring + (next - 1) % RecorderLayout.RecordsPerLane * RecorderLayout.RecordBytes;
        var now = microseconds();
        Volatile.Write(ref *(long*)(record + RecorderLayout.SequenceAt), -next); // begun: torn until both ends agree
        *(long*)(record + RecorderLayout.TimeAt) = now;
        *(int*)(record + RecorderLayout.PhaseAt) = (int)phase;
        *(int*)(record + RecorderLayout.EpochAt) = Epoch;
        *(long*)(record + RecorderLayout.StepAt) = Step;
        *(double*)(record + RecorderLayout.LossAt) = loss;
        *(int*)(record + RecorderLayout.SampleCountAt) = sampleCount;
        samples.CopyTo(new Span<int>(record + RecorderLayout.SamplesAt, RecorderLayout.MostSamples));
        Volatile.Write(ref *(long*)(record + RecorderLayout.SequenceEndAt), next);
        Volatile.Write(ref *(long*)(record + RecorderLayout.SequenceAt), next);
        Volatile.Write(ref *heartbeat, now);
    }
}
