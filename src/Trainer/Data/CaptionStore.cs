using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The captions of the listed videos without an object a caption: times in seconds in flat arrays, and the ids of the known words. Made by
/// <see cref="CaptionDraft"/>; immutable, read by every reader thread.
/// </summary>
public sealed class CaptionStore
{
    const int EntriesOfPart = 64; // some 600 KB

    readonly int[] entryOfVideo;
    readonly int[] firstCaption;
    readonly int[] captionCount;
    readonly double[] starts;
    readonly double[] ends;
    readonly CaptionWords words;

    [ThreadStatic]
    static int[]? scratch;

    /// <param name="entryOfVideo">Row of the video list → entry: rows of the same id share one.</param>
    /// <param name="firstCaption">Entry → its first caption.</param>
    /// <param name="captionCount">Entry → its number of captions, at least 1.</param>
    /// <param name="starts">Caption → start, seconds.</param>
    /// <param name="ends">Caption → end, seconds.</param>
    /// <param name="words">Of the captions of each entry.</param>
    /// <param name="texts">How many texts were None, and NaN.</param>
    internal CaptionStore(int[] entryOfVideo, int[] firstCaption, int[] captionCount, double[] starts, double[] ends,
        CaptionWords words, (long None, long Nan) texts)
    {
        this.entryOfVideo = entryOfVideo;
        this.firstCaption = firstCaption;
        this.captionCount = captionCount;
        this.starts = starts;
        this.ends = ends;
        this.words = words;
        (NoneTexts, NanTexts) = texts;
    }

    /// <summary>All captions.</summary>
    public int Count => starts.Length;

    /// <summary>Texts that were None and became the word None (mcn-spec Q21).</summary>
    public long NoneTexts { get; }

    /// <summary>Texts that were NaN and became the word nan.</summary>
    public long NanTexts { get; }

    public int CountOf(int video) => captionCount[entryOfVideo[video]];

    /// <summary>Start of each caption of a video, seconds.</summary>
    public ReadOnlySpan<double> StartsOf(int video) => starts.AsSpan(First(video), CountOf(video));

    /// <summary>End of each caption of a video, seconds.</summary>
    public ReadOnlySpan<double> EndsOf(int video) => ends.AsSpan(First(video), CountOf(video));

    /// <summary>Known words of one caption of a video, at most max_words. Valid until this thread's next call.</summary>
    public ReadOnlySpan<int> TokensOf(int video, int caption)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)caption, (uint)CountOf(video));
        var captions = words.Of(entryOfVideo[video]);
        captions.Skip(caption);
        var ids = scratch ?? new int[64];
        var count = captions.Next(ref ids);
        scratch = ids;
        return ids.AsSpan(0, count);
    }

    /// <summary>Hashes every caption in the order of the entries, with words by their hash instead of their id.</summary>
    internal void AppendTo(XxHash128 hash, ulong[] wordHashes)
    {
        // What is hashed is gathered on all cores, then hashed in order.
        var parts = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => new List<ulong>()).ToArray();
        for (var done = 0; done < firstCaption.Length; done += parts.Length * EntriesOfPart)
        {
            var begin = done;
            Parallel.For(0, parts.Length, part => Gather(parts[part], begin + (part * EntriesOfPart), wordHashes));
            foreach (var part in parts) hash.Append(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(part)));
        }
    }

    void Gather(List<ulong> into, int begin, ulong[] wordHashes)
    {
        into.Clear();
        var ids = new int[64];
        for (var entry = begin; entry < Math.Min(begin + EntriesOfPart, firstCaption.Length); entry++)
        {
            var (first, count) = (firstCaption[entry], captionCount[entry]);
            into.AddRange(MemoryMarshal.Cast<double, ulong>(starts.AsSpan(first, count)));
            into.AddRange(MemoryMarshal.Cast<double, ulong>(ends.AsSpan(first, count)));
            var captions = words.Of(entry);
            for (var caption = 0; caption < count; caption++)
            {
                var length = captions.Next(ref ids);
                into.Add((ulong)length);
                foreach (var token in ids.AsSpan(0, length)) into.Add(wordHashes[token]);
            }
        }
    }

    int First(int video) => firstCaption[entryOfVideo[video]];
}
