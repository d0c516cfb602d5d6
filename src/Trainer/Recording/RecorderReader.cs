using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using System.Text;

namespace Mcn.Web.Trainer.Recording;

/// <summary>A recorder as it lay on disk at one moment. Read by the supervisor, of living and of dead workers.</summary>
public sealed record RecorderContent
{
    public required string Run { get; init; }

    public required int Incarnation { get; init; }

    public required int ProcessId { get; init; }

    public required DateTimeOffset Started { get; init; }

    /// <summary>The monotonic clock at <see cref="Started"/>, ticks of Stopwatch; 0: a recorder of before.</summary>
    public long StartedTicks { get; init; }

    /// <summary>Time of the last mark of any lane.</summary>
    public required DateTimeOffset Heartbeat { get; init; }

    public required bool CleanEnd { get; init; }

    /// <summary>Null when none were left, or only half.</summary>
    public required string? LastWords { get; init; }

    public required IReadOnlyList<LaneContent> Lanes { get; init; }

    /// <summary>Now as its process would write it, whatever was done to the machine's clock since; null: not known. On the machine it runs on.</summary>
    public DateTimeOffset? Now() => StartedTicks == 0 ? null : Started + Stopwatch.GetElapsedTime(StartedTicks);

    /// <summary>Median time between completed steps over all lanes; null below two of them.</summary>
    public TimeSpan? MedianStep()
    {
        var times = Lanes.SelectMany(lane =>
        {
            var done = lane.Marks.Where(mark => mark.Phase == RecorderPhase.StepDone).ToArray();
            return done.Zip(done.Skip(1), (first, second) => second.Time - first.Time);
        }).Order().ToArray();
        return times.Length == 0 ? null : times[times.Length / 2];
    }
}

/// <param name="Torn">Marks in the middle of which the thread was stopped: 0 or 1.</param>
/// <param name="Marks">Oldest first.</param>
public sealed record LaneContent(string Name, int Torn, IReadOnlyList<RecorderMark> Marks)
{
    public RecorderMark? Last => Marks.Count == 0 ? null : Marks[^1];
}

/// <param name="Loss">Null when it was not read.</param>
/// <param name="Samples">The first samples of the batch in hand.</param>
public sealed record RecorderMark(
    long Sequence, DateTimeOffset Time, RecorderPhase Phase, long Step, int Epoch, double? Loss, IReadOnlyList<int> Samples);

/// <summary>Reads `recorder.bin`, which may be written at the same time. Reads, never maps: a file that shrinks must not kill the reader.</summary>
public static class RecorderReader
{
    /// <summary>Null when there is none, or it is none of ours.</summary>
    public static RecorderContent? Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return Parse(bytes);
    }

    public static RecorderContent? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < RecorderLayout.LanesStartAt || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != RecorderLayout.Magic) return null;
        if (Int(bytes, RecorderLayout.VersionAt) != RecorderLayout.Version) return null;
        var lanes = new List<LaneContent>();
        var count = Math.Clamp(Int(bytes, RecorderLayout.LanesAt), 0, (bytes.Length - RecorderLayout.LanesStartAt) / RecorderLayout.LaneBytes);
        for (var lane = 0; lane < count; lane++) lanes.Add(Lane(bytes.Slice(RecorderLayout.LanesStartAt + lane * RecorderLayout.LaneBytes, RecorderLayout.LaneBytes)));
        return new RecorderContent
        {
            Run = Text(bytes.Slice(RecorderLayout.RunAt, RecorderLayout.RunBytes)),
            Incarnation = Int(bytes, RecorderLayout.IncarnationAt),
            ProcessId = Int(bytes, RecorderLayout.ProcessAt),
            Started = Time(bytes, RecorderLayout.StartedAt),
            StartedTicks = Long(bytes, RecorderLayout.MonotonicAt),
            Heartbeat = Time(bytes, RecorderLayout.HeartbeatAt),
            CleanEnd = Int(bytes, RecorderLayout.CleanEndAt) != 0,
            LastWords = LastWords(bytes.Slice(RecorderLayout.LastWordsAt, RecorderLayout.LastWordsBytes)),
            Lanes = lanes,
        };
    }

    static LaneContent Lane(ReadOnlySpan<byte> lane)
    {
        var marks = new List<RecorderMark>();
        var torn = 0;
        for (var slot = 0; slot < RecorderLayout.RecordsPerLane; slot++)
        {
            var record = lane.Slice(RecorderLayout.LaneHeaderBytes + slot * RecorderLayout.RecordBytes, RecorderLayout.RecordBytes);
            var sequence = Long(record, RecorderLayout.SequenceAt);
            if (sequence == 0) continue;
            var whole = sequence == Long(record, RecorderLayout.SequenceEndAt) && (sequence - 1) % RecorderLayout.RecordsPerLane == slot;
            if (whole) marks.Add(Mark(record, sequence));
            else torn++;
        }

        marks.Sort((first, second) => first.Sequence.CompareTo(second.Sequence));
        return new LaneContent(Text(lane[..RecorderLayout.LaneNameBytes]), torn, marks);
    }

    static RecorderMark Mark(ReadOnlySpan<byte> record, long sequence)
    {
        var loss = BinaryPrimitives.ReadDoubleLittleEndian(record[RecorderLayout.LossAt..]);
        var samples = new int[Math.Clamp(Int(record, RecorderLayout.SampleCountAt), 0, RecorderLayout.MostSamples)];
        for (var i = 0; i < samples.Length; i++) samples[i] = Int(record, RecorderLayout.SamplesAt + 4 * i);
        return new RecorderMark(sequence, Time(record, RecorderLayout.TimeAt), (RecorderPhase)Int(record, RecorderLayout.PhaseAt),
            Long(record, RecorderLayout.StepAt), Int(record, RecorderLayout.EpochAt), double.IsNaN(loss) ? null : loss, samples);
    }

    static string? LastWords(ReadOnlySpan<byte> block)
    {
        var length = Int(block, 0);
        if (length is <= 0 or > RecorderLayout.LastWordsTextBytes) return null;
        var text = block.Slice(8, length);
        return Crc32.HashToUInt32(text) == BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) ? Encoding.UTF8.GetString(text) : null;
    }

    static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    static int Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);

    static long Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    // A value of torn bytes must not throw.
    static DateTimeOffset Time(ReadOnlySpan<byte> bytes, int at) =>
        DateTimeOffset.UnixEpoch.AddTicks(Math.Clamp(Long(bytes, at), 0, 250_000_000_000_000_000) * TimeSpan.TicksPerMicrosecond);
}
