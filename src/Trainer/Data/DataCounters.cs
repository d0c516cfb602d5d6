using System.Diagnostics;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// What the reader threads count, all of them together: what the original passes over in silence (clips whose captions reach beyond the
/// audio or the features and are padded), and where their time goes. Read by anyone.
/// </summary>
public sealed class DataCounters
{
    readonly Kind withoutAudio = new("clips_without_audio");
    readonly Kind shortAudio = new("clips_with_short_audio");
    readonly Kind withoutRows = new("clips_without_video_rows");
    long fillTicks;
    long filledVideos;

    /// <summary>Clips of which no frame exists: all padding.</summary>
    public long ClipsWithoutAudio => withoutAudio.Count;

    /// <summary>Clips of which some frames are missing: padded at the end.</summary>
    public long ClipsWithShortAudio => shortAudio.Count;

    /// <summary>Clips without a row of the 2d or of the 3d features: that part is the zero vector.</summary>
    public long ClipsWithoutVideoRows => withoutRows.Count;

    /// <summary>Bytes from files, and the time spent in reading them.</summary>
    public ReadMeter Reads { get; } = new();

    /// <summary>What one thread reads ahead for all readers (whole shards); how long they wait for it is in <see cref="Reads"/>.</summary>
    public ReadMeter Stream { get; } = new();

    /// <summary>Videos put into batches.</summary>
    public long FilledVideos => Interlocked.Read(ref filledVideos);

    /// <summary>Time the threads worked on them, reading included; what is not reading is decoding: inflating, pooling, cutting.</summary>
    public TimeSpan FillTime => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref fillTicks));

    /// <summary>One line for each kind that occurred: its name, how often, and the first example.</summary>
    public IReadOnlyList<string> Warnings() =>
        [.. new[] { withoutAudio, shortAudio, withoutRows }.Where(kind => kind.Example is not null).Select(kind => kind.Line)];

    internal void AddFilled(long elapsedTicks)
    {
        Interlocked.Add(ref fillTicks, elapsedTicks);
        Interlocked.Increment(ref filledVideos);
    }

    internal void AddWithoutAudio(string file, Clip clip, int frames)
    {
        if (withoutAudio.IsFirst()) withoutAudio.Explain(file, clip, $"{frames} frames, none in the clip");
    }

    internal void AddShortAudio(string file, Clip clip, int frames, int valid, long expected)
    {
        if (shortAudio.IsFirst()) shortAudio.Explain(file, clip, $"{frames} frames, {valid} of the clip's {expected}");
    }

    internal void AddWithoutRows(string file, Clip clip, int rows)
    {
        if (withoutRows.IsFirst()) withoutRows.Explain(file, clip, $"{rows} rows, none in the clip");
    }

    sealed class Kind(string name)
    {
        long count;
        string? example;

        public long Count => Volatile.Read(ref count);

        public string? Example => Volatile.Read(ref example);

        public string Line => $"{name} {Count}, the first: {Example}";

        public bool IsFirst() => Interlocked.Increment(ref count) == 1;

        public void Explain(string file, Clip clip, FormattableString found)
        {
            var line = FormattableString.Invariant($"{file}: clip {clip.Start:0.##} to {clip.End:0.##} s; found ")
                + FormattableString.Invariant(found) + "; expected them to last as long as the captions; padded with zeros";
            Volatile.Write(ref example, line);
        }
    }
}
