using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mcn.Web.TestKit;

namespace Mcn.Web.Architecture.Tests;

/// <summary>What the trainer says by a code has its sentence on the page, in each language.</summary>
public sealed partial class WordsTests
{
    [Theory]
    [InlineData("Words.resx")]
    [InlineData("Words.ja.resx")]
    public void Every_alert_cause_phase_and_xid_has_its_words(string file)
    {
        var words = XDocument.Load(Repository.File("src/Dashboard/Resources/" + file)).Descendants("data").Select(data => (string)data.Attribute("name")!).ToHashSet();
        var codes = Trainer().SelectMany(text => AlertCode().Matches(text)).Select(match => "Alert_" + match.Groups[1].Value)
            .Concat(Diagnosis().SelectMany(file => Find(file, RuleId()).Concat(Find(file, MadeId()))).Select(id => "Cause_" + id))
            .Concat(Find("Crashes/CrashInvestigator.cs", Phase()).Select(phase => "Phase_" + phase))
            .Concat(Find("Gpu/XidMeanings.cs", Xid()).SelectMany(number => new[] { "XidMeaning_" + number, "XidRemedy_" + number }))
            .ToHashSet();
        Assert.True(codes.Count > 150, $"only {codes.Count} codes found: the patterns no longer fit the code");
        Assert.Equal([], codes.Where(code => !words.Contains(code) && code != "Cause_ucx-inotify-watch").Order());
    }

    static IEnumerable<string> Trainer() => Directory.EnumerateFiles(Repository.File("src/Trainer"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText);

    static IEnumerable<string> Diagnosis() => Directory.EnumerateFiles(Repository.File("src/Trainer/Diagnosis"), "*.cs").Select(path => "Diagnosis/" + Path.GetFileName(path));

    static IEnumerable<string> Find(string file, Regex pattern) =>
        pattern.Matches(File.ReadAllText(Repository.File("src/Trainer/" + file))).SelectMany(match => match.Groups.Values.Skip(1)).Where(group => group.Success).Select(group => group.Value);

    [GeneratedRegex("""new Alert\s*\{[^}]*?Code = "([a-z_]+)""")]
    private static partial Regex AlertCode();

    // By its literal, or by a constant of the table.
    [GeneratedRegex("""(?:(?:Root|Messenger|End|Cascade|Harmless)\(|OfXid\(RuleRole\.\w+, |const string \w+ = )"([a-z0-9]+-[a-z0-9-]+|driver|threads|memlock|thermal)"[,;]""")]
    private static partial Regex RuleId();

    [GeneratedRegex("""(?:Make|new Cause)\("([a-z0-9-]+)",""")]
    private static partial Regex MadeId();

    [GeneratedRegex("""RecorderPhase\.\w+ => "([a-z_]+)""")]
    private static partial Regex Phase();

    [GeneratedRegex("""^        (\d+)(?: or (\d+))? =>""", RegexOptions.Multiline)]
    private static partial Regex Xid();
}
