using System.Text.RegularExpressions;
using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Diagnosis;

/// <param name="IsWeak">The line only speaks of it: printed settings, help, a failure that was dealt with.</param>
/// <param name="IsPast">Training went on afterwards, so it ended nothing.</param>
sealed record Observation(Rule Rule, EvidenceLine Line, bool IsWeak, bool IsPast)
{
    /// <summary>Seen by the kernel or by NVML, not said by a program.</summary>
    public bool IsOfMachine => Line.Source is Observations.KernelSource or Observations.GpuSource;
}

/// <summary>From lines to observations: at most one a line, the first row of the table that fits.</summary>
static class Observations
{
    public const string KernelSource = "kernel";
    public const string GpuSource = "gpu";
    const int PastAfterLines = 3;
    const int LongestPart = 4000;
    const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    static readonly Regex Guess = new(@"\b(?:may|might|possibly|perhaps|probably|possible that|could (?:be|have|indicate|also)|please try|consider)\b", Linear | RegexOptions.IgnoreCase);
    static readonly Regex Sentences = new(@"[.;!]\s|\s-\s|\(", Linear);
    static readonly Regex QuietLevel = new(@"(?:^|[\s\[|])(?:INFO|INF|DEBUG|DBG|TRACE)(?:[\s\]:|]|$)", Linear);
    static readonly Regex Advice = new(@"\bif you (?:see|get|hit)\b|\bretry|\brecovered\b|\bfall(?:s|ing)? back\b|\bskipp(?:ed|ing)\b|\bswitched off\b|\bhint:|\btip:|\bignored\b", Linear | RegexOptions.IgnoreCase);
    static readonly Regex Progress = new(@"\b(?:step|iter|iteration|epoch)\b.*\bloss\b|[0-9](?:it/s|s/it)\b|(?:samples|steps|clips)/s\b", Linear | RegexOptions.IgnoreCase);
    static readonly Regex Finished = new(@"\b(?:training|run) (?:is |has )?(?:finished|complete|completed|done)\b|\bfinished training\b", Linear | RegexOptions.IgnoreCase);

    /// <summary>In the order of the sources and of their lines; harmless ones among them. Xids of NVML come last.</summary>
    public static IReadOnlyList<Observation> Of(Evidence evidence) => [.. evidence.Texts.SelectMany(Of), .. XidsOf(evidence)];

    static IReadOnlyList<Observation> Of(TextSource source)
    {
        var found = new List<Observation>();
        var progress = 0;
        var healed = new HashSet<Rule>();
        // From the end: what training did after a line decides whether that line ended it.
        for (var i = source.Lines.Count - 1; i >= 0; i--)
        {
            var whole = Bounded(source.Lines[i]);
            var text = WithoutGuesses(whole);
            var rule = Rules.Match(text);
            healed.UnionWith(Rules.Healable.Where(other => other.HealedBy!.IsMatch(whole)));
            if (rule is null)
            {
                if (Finished.IsMatch(whole)) progress = PastAfterLines;
                else if (Progress.IsMatch(whole)) progress++;
                continue;
            }

            if (healed.Contains(rule)) continue;
            found.Add(new Observation(rule, new EvidenceLine(source.Name, i < source.Numbered ? i + 1 : 0, whole), IsMention(whole), progress >= PastAfterLines));
        }

        found.Reverse();
        return found;
    }

    static IEnumerable<Observation> XidsOf(Evidence evidence) =>
        from xid in evidence.Gpu.SelectMany(sample => sample.Gpus).SelectMany(gpu => gpu.Xids).Distinct()
        let rule = Rules.Texts.FirstOrDefault(rule => rule.Xids.Contains(xid))
        where rule is not null
        select new Observation(rule, new EvidenceLine(GpuSource, 0, $"Xid {xid}"), false, false);

    /// <summary>A progress bar may be one line of megabytes: what says why stands at an end of it.</summary>
    static string Bounded(string line) => line.Length <= 2 * LongestPart ? line : $"{line[..LongestPart]} … {line[^LongestPart..]}";

    /// <summary>A sentence with may, might or could is the guess of a library, never evidence.</summary>
    static string WithoutGuesses(string line) =>
        Guess.IsMatch(line) ? string.Join(". ", Sentences.Split(line).Where(sentence => !Guess.IsMatch(sentence))) : line;

    static bool IsMention(string line) => QuietLevel.IsMatch(line) || Advice.IsMatch(line);
}
