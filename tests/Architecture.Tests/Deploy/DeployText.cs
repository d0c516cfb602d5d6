using System.Text.RegularExpressions;
using Mcn.Web.TestKit;

namespace Mcn.Web.Architecture.Tests.Deploy;

/// <summary>What the tests of deploy/ read alike.</summary>
static partial class DeployText
{
    public static string Read(string relative) => File.ReadAllText(Repository.File(relative));

    /// <summary>`NAME=value` lines, those behind a # as well: an example file shows what may be set.</summary>
    public static IReadOnlyDictionary<string, string> Examples(string relative) =>
        Assignment().Matches(Read(relative)).ToDictionary(line => line.Groups[1].Value, line => line.Groups[2].Value.Trim());

    /// <summary>Names and defaults of every `${NAME}` and `${NAME:-default}`.</summary>
    public static IReadOnlyList<(string Name, string? Default)> Placeholders(string text) =>
        [.. Placeholder().Matches(text).Select(found => (found.Groups[1].Value, found.Groups[2].Success ? found.Groups[2].Value : null)).Distinct()];

    /// <summary>Whether the program reads this variable of its environment (by its name in quotes).</summary>
    public static bool IsRead(string program, string variable) =>
        Directory.EnumerateFiles(Repository.File($"src/{program}"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Any(file => File.ReadAllText(file).Contains($"\"{variable}\"", StringComparison.Ordinal));

    /// <summary>Options that the program knows, by its source: the trainer's `serve`, or the dashboard.</summary>
    public static void AssertKnown(string program, IEnumerable<string> words)
    {
        var source = program == "Trainer" ? Read("src/Trainer/Verbs/ServeVerb.cs") + Read("src/Trainer/Verbs/DaemonVerbs.cs") : Read("src/Dashboard/Configuration/DashboardOptions.cs");
        Assert.All(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)), option => Assert.Contains($"\"{option}\"", source, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^#?([A-Z][A-Z0-9_]*)=(.*)$", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")]
    private static partial Regex Placeholder();
}
