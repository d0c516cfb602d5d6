using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// First half of reading the captions (mcn-spec §3.2): times, and every word as a provisional id, for the listed videos only. A
/// word becomes one .NET string however often it is said. <see cref="Encode"/> makes the <see cref="CaptionStore"/> once the
/// vocabulary is known. Used by one thread at a time: while the file is read, by the thread after the one that reads it.
/// </summary>
sealed class CaptionDraft
{
    // Enough to even out long and short entries; the captions of so many videos take about 2 MB.
    const int MostEntriesWaiting = 64;

    readonly string file;
    readonly bool noneIsAWord;
    readonly Dictionary<string, int> entryOfId = new(StringComparer.Ordinal);
    readonly int[] entryOfVideo;
    readonly int[] firstCaption;
    readonly int[] captionCount;
    readonly GrowingArena<double> starts = new();
    readonly GrowingArena<double> ends = new();
    readonly TokenPages words = new();
    readonly long[] placeOfEntry;
    readonly WordIds provisionalIds = new();
    readonly List<string> malformed = [];
    int malformedCount;

    CaptionDraft(string file, VideoList videos, bool noneIsAWord)
    {
        this.file = file;
        this.noneIsAWord = noneIsAWord;
        entryOfVideo = new int[videos.Count];
        for (var video = 0; video < videos.Count; video++)
        {
            var id = videos.IdOf(video);
            if (!entryOfId.TryGetValue(id, out var entry)) entryOfId.Add(id, entry = entryOfId.Count);
            entryOfVideo[video] = entry;
        }

        firstCaption = new int[entryOfId.Count];
        captionCount = new int[entryOfId.Count];
        placeOfEntry = new long[entryOfId.Count];
    }

    /// <summary>Every word that is said, once.</summary>
    public IReadOnlyCollection<string> Words => provisionalIds.All.Keys;

    /// <summary>Texts that are None, and texts that are NaN: they become the words None and nan (mcn-spec Q21).</summary>
    public (long None, long Nan) Texts { get; private set; }

    /// <param name="noneIsAWord">Q21; off: such a caption has no words.</param>
    public static CaptionDraft Read(string file, VideoList videos, bool noneIsAWord = true)
    {
        var draft = new CaptionDraft(file, videos, noneIsAWord);
        using (var next = new NextThread<(string Id, object? Value)>("captions", MostEntriesWaiting, entry => draft.Take(entry.Id, entry.Value)))
        {
            PickleReader.ReadTopLevelDictionary(file, (id, value) => next.Give((id, value)));
            next.Finish();
        }

        draft.RefuseMalformed();
        draft.RefuseMissing(videos);
        return draft;
    }

    /// <summary>Captions of the listed videos, of which nothing is kept.</summary>
    public static long Count(string file, VideoList videos)
    {
        var ids = Enumerable.Range(0, videos.Count).Select(videos.IdOf).ToHashSet(StringComparer.Ordinal);
        var count = 0L;
        PickleReader.ReadTopLevelDictionary(file, (id, value) =>
        {
            if (ids.Contains(id) && value is Dictionary<object, object?> entry) count += Math.Max(0, PythonValue.Length(entry.GetValueOrDefault("start")));
        });
        return count;
    }

    /// <summary>The captions, once it is known which words have a vector; at most <paramref name="maxWords"/> of a caption count. The draft is spent afterwards.</summary>
    public CaptionStore Encode(Vocabulary vocabulary, int maxWords)
    {
        var ids = new int[provisionalIds.Count];
        foreach (var (word, provisional) in provisionalIds.All) ids[provisional] = vocabulary.IdOf(word);

        provisionalIds.Clear();
        entryOfId.Clear();
        return new CaptionStore(entryOfVideo, firstCaption, captionCount, starts.Drain(starts.Count), ends.Drain(ends.Count),
            new CaptionWords(words, placeOfEntry, ids, maxWords), Texts);
    }

    void Take(string id, object? value)
    {
        if (!entryOfId.TryGetValue(id, out var entry)) return;
        var (captions, texts) = (starts.Count, Texts);
        if (Append(value) is { } fault)
        {
            starts.Shorten(captions);
            ends.Shorten(captions);
            words.Discard();
            Texts = texts;
            malformedCount++;
            if (malformed.Count < 3) malformed.Add($"{id} ({fault})");
            return;
        }

        placeOfEntry[entry] = words.EndVideo();
        firstCaption[entry] = captions;
        captionCount[entry] = starts.Count - captions;
    }

    // Null when all is well, else what is wrong with the entry.
    string? Append(object? value)
    {
        if (value is not Dictionary<object, object?> entry) return $"a {PythonValue.KindOf(value)} instead of a dict";
        var (start, end, text) = (entry.GetValueOrDefault("start"), entry.GetValueOrDefault("end"), entry.GetValueOrDefault("text"));
        var count = PythonValue.Length(start);
        if (count < 0 || PythonValue.Length(end) < 0 || PythonValue.Length(text) < 0)
        {
            return $"start, end, text are {PythonValue.KindOf(start)}, {PythonValue.KindOf(end)}, {PythonValue.KindOf(text)}"
                + " instead of sequences";
        }

        if (PythonValue.Length(end) != count || PythonValue.Length(text) != count)
            return $"{count} starts, {PythonValue.Length(end)} ends, {PythonValue.Length(text)} texts";

        for (var i = 0; i < count; i++)
        {
            var (from, to) = (PythonValue.NumberAt(start, i), PythonValue.NumberAt(end, i));
            if (!double.IsFinite(from) || !double.IsFinite(to)) return $"caption {i} has a time that is no number";
            if (to < from) return FormattableString.Invariant($"caption {i} ends at {to} s, before its start at {from} s");
            starts.Add(from);
            ends.Add(to);
            if (text is PackedList texts && texts.TryText(i, out var utf8))
            {
                words.Add(provisionalIds.IdsOf(utf8));
                continue;
            }

            var said = PythonValue.At(text, i);
            if (PythonValue.Text(said) is not { } sentence) return $"the text of caption {i} is a {PythonValue.KindOf(said)}";
            if (said is null) Texts = Texts with { None = Texts.None + 1 };
            if (said is double.NaN) Texts = Texts with { Nan = Texts.Nan + 1 };
            words.Add(provisionalIds.IdsOf(noneIsAWord || said is not (null or double.NaN) ? sentence : ""));
        }

        return null;
    }

    void RefuseMalformed()
    {
        if (malformedCount == 0) return;
        throw new UserError(file,
            $"{malformedCount} listed videos have unusable captions: {string.Join(", ", malformed)}{Dots(malformedCount)}",
            "start, end and text of one length, with end not before start", "Correct them or take the videos off data.train_csv");
    }

    void RefuseMissing(VideoList videos)
    {
        var missing = entryOfId.Where(pair => captionCount[pair.Value] == 0).Select(pair => pair.Key).ToList();
        if (missing.Count == 0) return;
        var some = string.Join(", ", missing.Take(3)) + Dots(missing.Count);
        throw new UserError(file, $"{missing.Count} of {entryOfId.Count} listed videos have no caption: {some}",
            $"at least one caption for every video of {videos.Source}",
            "Take them off the list, or set data.caption_path to their captions");
    }

    static string Dots(int count) => count > 3 ? ", ..." : "";
}
