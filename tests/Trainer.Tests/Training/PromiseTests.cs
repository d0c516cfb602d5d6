using System.Text.RegularExpressions;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>docs/checkpoints.md promises what is lost when; each line names the test that holds it.</summary>
public sealed partial class PromiseTests
{
    [Fact]
    public void Every_line_of_what_is_lost_when_names_a_test_that_there_is()
    {
        var lines = File.ReadAllLines(Repository.File("docs/checkpoints.md")).SkipWhile(line => line != "## What is lost when").TakeWhile(line => !line.StartsWith("Not shown", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToArray();
        Assert.True(lines.Length >= 15, "the table");
        foreach (var line in lines)
        {
            var named = Named().Match(line);
            Assert.True(named.Success, $"no test in: {line}");
            var type = Assert.Single(typeof(PromiseTests).Assembly.GetTypes(), type => type.Name == named.Groups[1].Value);
            var method = type.GetMethod(named.Groups[2].Value);
            Assert.True(method?.GetCustomAttributes(inherit: true).Any(attribute => attribute is FactAttribute) == true, $"no such test: {named.Value}");
        }
    }

    [GeneratedRegex(@"`(\w+Tests)\.(\w+)`")]
    private static partial Regex Named();
}
