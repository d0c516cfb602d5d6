using System.Globalization;
using Mcn.Web.Shared;

namespace Mcn.Web.Bench;

/// <summary>Options of one bench: `--name value`, or `--name` alone for a switch. Anything else is refused with the list of what there is.</summary>
sealed class BenchArguments
{
    readonly Dictionary<string, string> values = new(StringComparer.Ordinal);

    /// <param name="bench">For messages.</param>
    /// <param name="options">Options with a value and their defaults; a null default: absent unless given.</param>
    /// <param name="switches">Options without a value; `json` is always one.</param>
    public BenchArguments(string bench, string[] arguments, IReadOnlyDictionary<string, string?> options, params string[] switches)
    {
        foreach (var (name, standard) in options)
            if (standard is not null) values[name] = standard;
        string[] allSwitches = ["json", .. switches];
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i].StartsWith("--", StringComparison.Ordinal) ? arguments[i][2..] : "";
            if (allSwitches.Contains(name)) values[name] = "";
            else if (options.ContainsKey(name) && i + 1 < arguments.Length) values[name] = arguments[++i];
            else
            {
                var known = options.Keys.Select(option => $"--{option} VALUE").Concat(allSwitches.Select(option => $"--{option}"));
                throw new UserError($"bench {bench}", $"'{arguments[i]}'", string.Join(", ", known), "", exitCode: 2);
            }
        }
    }

    public bool Json => Has("json");

    public bool Has(string name) => values.ContainsKey(name);

    public string? Text(string name) => values.GetValueOrDefault(name);

    public int Whole(string name) => int.TryParse(values[name], CultureInfo.InvariantCulture, out var number) && number > 0
        ? number
        : throw new UserError($"--{name}", $"'{values[name]}'", "a whole number from 1", "", exitCode: 2);

    /// <summary>Whole numbers separated by commas.</summary>
    public int[] List(string name) =>
        [.. values[name].Split(',').Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new UserError($"--{name}", $"'{values[name]}'", "whole numbers separated by commas", "", exitCode: 2))];
}
