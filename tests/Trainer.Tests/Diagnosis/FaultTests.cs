using System.Diagnostics;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Diagnosis;

namespace Mcn.Web.Trainer.Tests.Diagnosis;

/// <summary>The labelled faults: how often the verdict is right, and that it is never sure of a wrong cause.</summary>
public sealed class FaultTests
{
    const double Promised = 0.95;

    [Fact]
    public void At_least_95_percent_of_the_labelled_faults_are_told_right_and_none_is_confidently_wrong()
    {
        var cases = Cases();
        Assert.True(cases.Count >= 80, $"{cases.Count} cases");
        Assert.True(cases.Count(one => one.IsUnknowable || one.Confidence is "hypothesis") >= 10);
        var judged = cases.Select(one => (Case: one, Verdict: DiagnosisEngine.Judge(one.Evidence))).ToList();
        var missed = judged.Where(pair => Miss(pair.Case, pair.Verdict) is not null).ToList();
        var sure = missed.Where(pair => IsConfident(pair.Verdict) && (pair.Case.Class != pair.Verdict.Cause.Class || pair.Case.IsUnknowable)).ToList();

        Console.WriteLine($"labelled faults: {cases.Count} cases, {cases.Count - missed.Count} right, {sure.Count} sure of a wrong cause");
        var told = string.Join('\n', missed.Select(pair => $"{pair.Case.Name}: {Miss(pair.Case, pair.Verdict)}"));
        Assert.True(sure.Count == 0, $"sure of a wrong cause:\n{told}");
        Assert.True(missed.Count <= (1 - Promised) * cases.Count, $"{missed.Count} of {cases.Count} wrong:\n{told}");
    }

    [Fact]
    public void Every_class_of_a_verdict_is_told_by_some_case()
    {
        string[] classes =
        [
            "gpu-memory", "host-memory", "shared-memory", "disk-space", "inodes", "inotify", "limits", "gpu-hardware", "gpu-software", "driver", "numerics", "data",
            "checkpoint", "storage", "native-crash", "hang", "stopped", "host", "configuration", "program-error", "unknown",
        ];
        var told = Cases().Select(one => DiagnosisEngine.Judge(one.Evidence).Cause.Class).ToHashSet();
        Assert.Equal([], classes.Except(told));
        Assert.Equal([], told.Except(classes));
    }

    [Fact]
    public void Every_root_is_the_cause_of_some_case_or_stands_beside_one_that_is()
    {
        var texts = Cases().SelectMany(one => one.Evidence.Texts).SelectMany(source => source.Lines).ToList();
        var unseen = Rules.Texts.Where(rule => rule.Role is RuleRole.Root or RuleRole.Messenger && !texts.Any(text => rule.Pattern.IsMatch(text))).Select(rule => rule.Id);
        string[] withoutCase = ["xid-recovery", "xid-watchdog", "xid-nvlink", "file-max", "stuck-replica"];
        Assert.Equal([], unseen.Except(withoutCase));
    }

    [Fact]
    public void The_names_of_rules_are_unique_and_their_classes_and_answers_known()
    {
        Assert.Equal(Rules.Texts.Count, Rules.Texts.DistinctBy(rule => rule.Id).Count());
        Assert.All(Rules.Texts, rule => Assert.Contains(rule.Where, (string[])["workload", "host", "gpu", "unknown"]));
        Assert.All(Rules.Texts, rule => Assert.Contains(rule.Retry, (string[])["yes", "no", "unknown"]));
        Assert.All(Rules.Texts.Where(rule => rule.Role != RuleRole.Harmless), rule => Assert.NotEqual("", rule.Remedy));
    }

    /// <summary>Promised is a second; bounded at five of them for a machine that does other things.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("NVRM: Xid (")]
    [InlineData("Assertion index out of ")]
    [InlineData("12.3it/s ")]
    [InlineData("/dev/shm ")]
    public void A_line_of_a_megabyte_takes_every_rule_no_longer_than_a_second(string part)
    {
        var line = string.Concat(Enumerable.Repeat(part, (1 << 20) / part.Length));
        var evidence = new Evidence { Texts = [new TextSource("log", [line, line + "CUDA out of memory. Tried to allocate 1 GiB"])], IsText = true };
        DiagnosisEngine.Judge(evidence);
        var began = Stopwatch.GetTimestamp();
        var verdict = DiagnosisEngine.Judge(evidence);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 5);
        Assert.NotEmpty(verdict.Cause.Evidence);
    }

    [Fact]
    public void Any_cut_of_any_case_is_judged_without_an_exception()
    {
        foreach (var one in Cases())
        {
            for (var lines = 0; lines < 3; lines++)
            {
                var cut = one.Evidence with { Texts = [.. one.Evidence.Texts.Select(source => source with { Lines = [.. source.Lines.Skip(lines).Select(line => line[..(line.Length / 2)])] })] };
                Assert.NotEqual("", DiagnosisEngine.Judge(cut).Cause.Rule);
            }
        }
    }

    internal static IReadOnlyList<FaultCase> Cases() => [.. Directory.GetFiles(Repository.File("tests/Trainer.Tests/Diagnosis/Faults"), "*.txt").Order(StringComparer.Ordinal).SelectMany(file => FaultCase.Read(File.ReadLines(file)))];

    static bool IsConfident(Shared.Crashes.Verdict verdict) => verdict.Cause.Confidence is "established" or "supported";

    /// <summary>Null: right.</summary>
    static string? Miss(FaultCase one, Shared.Crashes.Verdict verdict)
    {
        var cause = verdict.Cause;
        var said = $"{cause.Class} {cause.Rule} {cause.Confidence}; expected {one.Class} {one.Rule} {one.Confidence}";
        if (one.Rule == "-" ? IsConfident(verdict) : (cause.Class, cause.Rule) != (one.Class, one.Rule)) return said;
        if (one.Rule != "-" && one.Confidence is { } confidence && cause.Confidence != confidence) return said;
        var missing = one.RuledOut.Except(verdict.RuledOut.Select(entry => entry.Rule)).ToList();
        return missing.Count > 0 ? $"{said}; not ruled out: {string.Join(", ", missing)}" : null;
    }
}
