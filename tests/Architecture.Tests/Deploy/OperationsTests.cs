using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer;

namespace Mcn.Web.Architecture.Tests.Deploy;

/// <summary>docs/operations.md names what exists.</summary>
public sealed partial class OperationsTests
{
    static readonly string Document = DeployText.Read("docs/operations.md");

    [Fact]
    public void Every_exit_code_is_explained_and_no_other()
    {
        var codes = typeof(ExitCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (int)field.GetRawConstantValue()!);
        var rows = ExitCodeRow().Matches(Document).Select(row => int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture));
        Assert.Equal(codes.Order(), rows);
    }

    [Fact]
    public void Every_verb_is_one_of_mcn()
    {
        var script = DeployText.Read("mcn");
        var verbs = VerbCalled().Matches(Document).Select(call => call.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(verbs);
        Assert.All(verbs, verb => Assert.Matches($@"(?m)^  (?:[\w -|]*\| )?{Regex.Escape(verb)}(?: \| [^)]*)?\)", script));
    }

    [Fact]
    public void Every_link_and_every_path_of_the_clone_exists()
    {
        var paths = Link().Matches(Document).Select(link => Path.Combine("docs", link.Groups[1].Value))
            .Concat(ClonePath().Matches(Document).Select(path => path.Groups[1].Value)).Distinct().ToArray();
        Assert.NotEmpty(paths);
        Assert.All(paths, path => Assert.True(Path.Exists(Repository.File(path)), path));
    }

    [Fact]
    public void What_is_published_goes_where_the_units_look()
    {
        foreach (var (project, folder) in new[] { ("Trainer", "trainer"), ("Dashboard", "dashboard") })
        {
            Assert.Matches($@"dotnet publish src/{project} -c Release( -p:TorchBackend=cuda)? -o \S+/{folder}", Document);
            Assert.Contains($"/opt/mcn/{folder}/Mcn.Web.{project}.dll", DeployText.Read($"deploy/systemd/mcn-{folder}.service"), StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"^\| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex ExitCodeRow();

    [GeneratedRegex(@"\./mcn ([a-z][a-z-]*)")]
    private static partial Regex VerbCalled();

    [GeneratedRegex(@"\]\(((?!https?:)[^)#]+)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<![\w/.])((?:deploy|docs|src|tests)/[\w./-]*[\w])")]
    private static partial Regex ClonePath();
}
