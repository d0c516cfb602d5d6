using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>A verdict on the console: about fifteen lines.</summary>
static class VerdictText
{
    const int LongestText = 160;

    public static void Print(DiagnosisSubject subject, Verdict verdict)
    {
        var cause = verdict.Cause;
        Console.WriteLine($"{subject.Title}");
        Row("cause", $"{cause.Title}");
        Row("", $"class {cause.Class}, rule {cause.Rule}, {cause.Confidence}; where: {verdict.Where}; unchanged retry: {verdict.Retry}");
        Rows("evidence", cause.Evidence.Select(line => $"{Place(subject, line)}: {Short(line.Text)}"));
        Rows("ruled out", verdict.RuledOut.Select(entry => entry.Text is null ? $"{entry.Rule}: {Short(entry.Because)}" : $"{Short(entry.Text)}\n{"",14}{entry.Because}"));
        Rows("not checked", verdict.CouldNotCheck.Select(entry => $"{entry.What}; to allow it: {entry.Grant}"));
        Row("what to do", cause.Remedy);
    }

    static void Rows(string name, IEnumerable<string> texts)
    {
        foreach (var text in texts)
        {
            Row(name, text);
            name = "";
        }
    }

    static void Row(string name, string text) => Console.WriteLine($"{name,-12}  {text}");

    static string Place(DiagnosisSubject subject, EvidenceLine line) =>
        subject.Files.GetValueOrDefault(line.Source, line.Source) is var file && line.Line > 0 ? FormattableString.Invariant($"{file}:{line.Line}") : file;

    static string Short(string text) => text.Trim() is { Length: > LongestText } trimmed ? trimmed[..LongestText] + " …" : text.Trim();
}
