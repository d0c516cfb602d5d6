namespace Mcn.Web.Shared.Configuration;

/// <summary>One mistake of a configuration: where, what was found, what was expected, what to do.</summary>
public sealed record ConfigMistake
{
    /// <summary>The file as the user named it, or `--set lr=abc`; empty for a record that was not read from anywhere.</summary>
    public required string Source { get; init; }

    /// <summary>`section.key`, or the place in the file; empty when it is about the source as a whole.</summary>
    public required string Key { get; init; }

    public required string Found { get; init; }

    /// <summary>Empty when the finding says it.</summary>
    public required string Expected { get; init; }

    /// <summary>A sentence without its full stop.</summary>
    public required string Remedy { get; init; }

    /// <summary>`FILE: section.key: found …; expected …. remedy` on one line.</summary>
    public override string ToString()
    {
        var place = string.Join(": ", new[] { Source, Key }.Where(part => part.Length > 0));
        var line = $"{place}: found {Found}"
            + (Expected.Length > 0 ? $"; expected {Expected}" : "")
            + (Remedy.Length > 0 ? $". {Remedy}" : "");
        // A key may hold anything, terminal sequences too.
        return string.Concat(line.ReplaceLineEndings(" ").Select(letter => char.IsControl(letter) ? '\uFFFD' : letter));
    }
}
