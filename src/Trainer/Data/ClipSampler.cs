namespace Mcn.Web.Trainer.Data;

/// <summary>A clip: captions First..Last (inclusive) of a video, and its seconds.</summary>
public readonly record struct Clip(int First, int Last, double Start, double End);

/// <summary>Columns of a spectrogram: the first, and how many.</summary>
public readonly record struct FrameSlice(int First, int Count);

/// <summary>
/// Which part of a video a drawn caption becomes (mcn-spec §3.6): pure arithmetic in double precision, as the original's.
/// </summary>
public static class ClipSampler
{
    /// <summary>
    /// Draws caption indices of one video, uniformly with replacement, as a function of (seed, epoch, row of the video list) alone
    /// (the original's workers drew whatever their forked generators held: mcn-spec Q3).
    /// </summary>
    /// <param name="visit">Visits of the video in this epoch before this one (data.echo); each has draws of its own.</param>
    public static void Draw(long seed, int epoch, int video, int captions, Span<int> indices, int visit = 0)
    {
        var random = new CounterRandom(seed, RandomPurpose.ClipChoice, epoch + ((long)visit << 32), video);
        foreach (ref var index in indices) index = random.Next(captions);
    }

    /// <summary>
    /// Grows caption <paramref name="index"/> by its neighbours until the clip lasts <paramref name="minTime"/> seconds: the side
    /// that makes the shorter clip first, the earlier one when they are equal.
    /// </summary>
    /// <param name="starts">Start of every caption of the video, seconds.</param>
    /// <param name="ends">End of every caption, seconds.</param>
    /// <param name="index">The drawn caption.</param>
    /// <param name="minTime">Seconds to reach; the clip stays shorter when the captions run out.</param>
    /// <param name="joined">Filled with the captions in the order of their joining, which is the order of the words (Q19).</param>
    public static Clip Grow(ReadOnlySpan<double> starts, ReadOnlySpan<double> ends, int index, double minTime, List<int> joined)
    {
        joined.Clear();
        joined.Add(index);
        var (first, last) = (index, index);
        while (ends[last] - starts[first] < minTime)
        {
            var (before, after) = (first > 0, last < starts.Length - 1);
            if (!before && !after) break;
            var takeBefore = before && after
                ? ends[last] - starts[first - 1] <= ends[last + 1] - starts[first]
                : before;
            joined.Add(takeBefore ? --first : ++last);
        }

        return new Clip(first, last, starts[first], ends[last]);
    }

    /// <summary>
    /// Spectrogram frame at a time: windows of 400 samples every 160 at 16 kHz. The floor is the mathematical one, so a time before
    /// 0.0125 s gives -2 or -1.
    /// </summary>
    public static long FrameAt(double seconds) => (long)Math.Floor((Math.Truncate(seconds * 16000) - 200) / 160);

    /// <summary>Frames of a clip within a spectrogram of <paramref name="frames"/> columns, cut to <paramref name="limit"/>.</summary>
    /// <param name="clip">The clip.</param>
    /// <param name="frames">Columns of the spectrogram.</param>
    /// <param name="limit">T: columns kept.</param>
    /// <param name="negativeFirstFrame">
    /// Q2: a negative frame counts from the end of the spectrogram, as Python's slices do, which nearly always leaves nothing.
    /// Off: it is frame 0.
    /// </param>
    public static FrameSlice AudioSlice(Clip clip, int frames, int limit, bool negativeFirstFrame)
    {
        var first = Bound(FrameAt(clip.Start), frames, negativeFirstFrame);
        var end = Bound(FrameAt(clip.End), frames, negativeFirstFrame);
        return new FrameSlice(first, Math.Clamp(end - first, 0, limit));
    }

    /// <summary>Feature rows of a clip: trunc(start x rate) to trunc(end x rate), both included, as far as they exist.</summary>
    /// <param name="clip">The clip.</param>
    /// <param name="rowsPerSecond">1 for the 2d features, 1.5 for the 3d features.</param>
    /// <param name="rows">Rows of the file.</param>
    public static FrameSlice FeatureRows(Clip clip, double rowsPerSecond, int rows)
    {
        var first = (int)Math.Clamp(Math.Truncate(clip.Start * rowsPerSecond), 0, rows);
        var end = (int)Math.Clamp(Math.Truncate(clip.End * rowsPerSecond) + 1, 0, rows);
        return new FrameSlice(first, Math.Max(0, end - first));
    }

    static int Bound(long frame, int frames, bool fromTheEnd) =>
        (int)Math.Clamp(frame < 0 && fromTheEnd ? frame + frames : frame, 0, frames);
}
