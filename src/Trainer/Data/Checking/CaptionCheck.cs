using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>
/// Checks the captions of the listed videos, streaming: of each video it keeps how many captions there are, where the last one starts
/// and where the latest one ends. Pure but for reading the file; one thread.
/// </summary>
sealed class CaptionCheck
{
    readonly string file;
    readonly Action<Finding> report;
    readonly Dictionary<string, int> rowOfId = new(StringComparer.Ordinal);
    readonly bool[] seen;
    readonly CaptionSpan[] spans;

    CaptionCheck(string file, VideoList videos, Action<Finding> report)
    {
        this.file = file;
        this.report = report;
        seen = new bool[videos.Count];
        spans = new CaptionSpan[videos.Count];
        for (var video = 0; video < videos.Count; video++) rowOfId.TryAdd(videos.IdOf(video), video);
    }

    /// <summary>Reports every fault of the captions.</summary>
    /// <returns>Row of the list → extent of its captions; rows of the same id share it.</returns>
    public static CaptionSpan[] Run(string file, VideoList videos, Action<Finding> report)
    {
        var check = new CaptionCheck(file, videos, report);
        PickleReader.ReadTopLevelDictionary(file, check.Take);
        for (var video = 0; video < videos.Count; video++)
        {
            var first = check.rowOfId[videos.IdOf(video)];
            check.spans[video] = check.spans[first];
            if (first == video && !check.seen[video]) check.Report(FindingKind.NoEntry, video, videos.IdOf(video), "no entry", "start, end and text of its captions");
        }

        return check.spans;
    }

    void Take(string id, object? value)
    {
        if (!rowOfId.TryGetValue(id, out var row)) return;
        seen[row] = true;
        if (value is not Dictionary<object, object?> entry)
        {
            Report(FindingKind.Malformed, row, id, $"a {PythonValue.KindOf(value)}", "a dict with start, end and text");
            return;
        }

        var (start, end, text) = (entry.GetValueOrDefault("start"), entry.GetValueOrDefault("end"), entry.GetValueOrDefault("text"));
        var (starts, ends, texts) = (PythonValue.Length(start), PythonValue.Length(end), PythonValue.Length(text));
        if (starts < 0 || starts != ends || starts != texts)
            Report(FindingKind.Malformed, row, id, $"{Length(start)} starts, {Length(end)} ends, {Length(text)} texts", "three sequences of one length");
        else if (starts == 0) Report(FindingKind.NoCaption, row, id, "no caption", "at least one");
        else
        {
            spans[row] = Times(row, id, start, end, starts);
            Texts(row, id, text, texts);
        }
    }

    CaptionSpan Times(int row, string id, object? start, object? end, int count)
    {
        var (notFinite, reversed) = (new Tally(), new Tally());
        var (lastStart, latestEnd) = (0.0, 0.0);
        for (var i = 0; i < count; i++)
        {
            var (from, to) = (PythonValue.NumberAt(start, i), PythonValue.NumberAt(end, i));
            if (!double.IsFinite(from) || !double.IsFinite(to)) notFinite.Add(i, FormattableString.Invariant($"{from} to {to} s"));
            else
            {
                if (to < from) reversed.Add(i, FormattableString.Invariant($"{from} to {to} s"));
                (lastStart, latestEnd) = (Math.Max(lastStart, from), Math.Max(latestEnd, to));
            }
        }

        Report(notFinite, FindingKind.TimeNotFinite, row, id, "finite seconds");
        Report(reversed, FindingKind.EndBeforeStart, row, id, "an end not before its start");
        return new CaptionSpan(count, lastStart, latestEnd);
    }

    void Texts(int row, string id, object? text, int count)
    {
        var (empty, none, notUtf8, malformed) = (new Tally(), new Tally(), new Tally(), new Tally());
        for (var i = 0; i < count; i++)
        {
            var said = PythonValue.At(text, i);
            if (said is null or double.NaN) none.Add(i, said is null ? "None" : "NaN");
            else if (PythonValue.Text(said) is not { } sentence) malformed.Add(i, $"a {PythonValue.KindOf(said)}");
            else if (string.IsNullOrWhiteSpace(sentence)) empty.Add(i, "blank");
            else if (sentence.Contains('�', StringComparison.Ordinal)) notUtf8.Add(i, Refusal.Show(sentence)); // what the reader makes of bytes that are no UTF-8
        }

        Report(empty, FindingKind.EmptyText, row, id, "words");
        Report(none, FindingKind.NoText, row, id, "words");
        Report(notUtf8, FindingKind.NotUtf8, row, id, "UTF-8");
        Report(malformed, FindingKind.Malformed, row, id, "text");
    }

    void Report(Tally tally, string kind, int row, string id, string expected)
    {
        if (tally.Count > 0) Report(kind, row, id, $"{tally.Count} captions, the first is number {tally.First}: {tally.Example}", expected);
    }

    void Report(string kind, int row, string id, string found, string expected) => report(new Finding(kind, row + 1, $"{file} : {Refusal.Show(id)}", found, expected));

    static string Length(object? sequence) => PythonValue.Length(sequence) is >= 0 and var count ? $"{count}" : $"a {PythonValue.KindOf(sequence)} of";

    /// <summary>Faults of one kind in one video.</summary>
    sealed class Tally
    {
        public int Count { get; private set; }

        public int First { get; private set; }

        public string Example { get; private set; } = "";

        public void Add(int caption, string example)
        {
            if (Count++ == 0) (First, Example) = (caption, example);
        }
    }
}

/// <param name="Count">Captions; 0: none that can be used.</param>
/// <param name="LastStart">Start of the caption that starts last, seconds.</param>
/// <param name="LatestEnd">End of the caption that ends last, seconds.</param>
readonly record struct CaptionSpan(int Count, double LastStart, double LatestEnd);
