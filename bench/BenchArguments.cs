using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

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

    /// <summary>The configuration of --config, on the --devices and in the --precision given, else on its own.</summary>
    /// <param name="overrides">As for --set.</param>
    /// <param name="devices">Null: all of --devices.</param>
    public RunConfig Configuration(IEnumerable<string> overrides, IReadOnlyList<string>? devices = null)
    {
        List<string> set = [.. overrides];
        if ((devices ?? Text("devices")?.Split(',')) is { } names) set.Add($"devices=[{string.Join(',', names.Select(name => $"\"{name}\""))}]");
        if (Text("precision") is { } precision) set.Add($"precision=\"{precision}\"");
        return RunConfigFile.Read(Text("config")!, set);
    }

    /// <exception cref="UserError">--peer is given and cannot be run here, or not on what is measured.</exception>
    public void RequirePeer()
    {
        if (Text("peer") is not { } peer) return;
        if (peer != "pytorch" || !MeasuredProcess.PeerIsAvailable())
            throw new UserError("--peer", peer, "pytorch, and torch for /usr/bin/python3", "apt-get install python3-torch", exitCode: 2);
        if (Text("devices")?.Contains(',') is true) throw new UserError("--peer", Text("devices")!, "one device: the peer trains on one", "Measure several without it", exitCode: 2);
    }
}
