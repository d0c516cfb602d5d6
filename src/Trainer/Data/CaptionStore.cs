using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The captions of the listed videos in five flat arrays: times in seconds and the ids of the known words. Made by
/// <see cref="CaptionDraft"/>; immutable, read by every reader thread.
/// </summary>
public sealed class CaptionStore
{
    readonly int[] entryOfVideo;
    readonly int[] firstCaption;
    readonly int[] captionCount;
    readonly double[] starts;
    readonly double[] ends;
    readonly int[] tokenOffsets;
    readonly int[] tokens;

    /// <param name="entryOfVideo">Row of the video list → entry: rows of the same id share one.</param>
    /// <param name="firstCaption">Entry → its first caption.</param>
    /// <param name="captionCount">Entry → its number of captions, at least 1.</param>
    /// <param name="starts">Caption → start, seconds.</param>
    /// <param name="ends">Caption → end, seconds.</param>
    /// <param name="tokenOffsets">Caption → its first token; one more at the end.</param>
    /// <param name="tokens">Ids of the <see cref="Vocabulary"/>.</param>
    /// <param name="texts">How many texts were None, and NaN.</param>
    internal CaptionStore(int[] entryOfVideo, int[] firstCaption, int[] captionCount, double[] starts, double[] ends, int[] tokenOffsets,
        int[] tokens, (long None, long Nan) texts)
    {
        this.entryOfVideo = entryOfVideo;
        this.firstCaption = firstCaption;
        this.captionCount = captionCount;
        this.starts = starts;
        this.ends = ends;
        this.tokenOffsets = tokenOffsets;
        this.tokens = tokens;
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

    /// <summary>Known words of one caption of a video, at most max_words.</summary>
    public ReadOnlySpan<int> TokensOf(int video, int caption)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)caption, (uint)CountOf(video));
        var at = First(video) + caption;
        return tokens.AsSpan(tokenOffsets[at], tokenOffsets[at + 1] - tokenOffsets[at]);
    }

    /// <summary>Hashes every caption in the order of the entries, with words by their hash instead of their id.</summary>
    internal void AppendTo(XxHash128 hash, ulong[] wordHashes)
    {
        var words = new List<ulong>();
        for (var entry = 0; entry < firstCaption.Length; entry++)
        {
            var (first, count) = (firstCaption[entry], captionCount[entry]);
            hash.Append(MemoryMarshal.AsBytes(starts.AsSpan(first, count)));
            hash.Append(MemoryMarshal.AsBytes(ends.AsSpan(first, count)));
            words.Clear();
            for (var caption = first; caption < first + count; caption++)
            {
                words.Add((ulong)(tokenOffsets[caption + 1] - tokenOffsets[caption]));
                foreach (var token in tokens.AsSpan(tokenOffsets[caption]..tokenOffsets[caption + 1])) words.Add(wordHashes[token]);
            }

            hash.Append(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(words)));
        }
    }

    int First(int video) => firstCaption[entryOfVideo[video]];
}
