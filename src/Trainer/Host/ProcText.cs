using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>Small files of /proc and /sys: figures that are there, or null. A process may end between two reads.</summary>
static class ProcText
{
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static long? Number(string path) =>
        long.TryParse(Read(path), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>Of `name value …` or `name: value …` lines, the value of a name.</summary>
    public static long? Field(string? text, string name)
    {
        if (text is null) return null;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal)) continue;
            var rest = line[name.Length..];
            if (rest.IsEmpty || (rest[0] is not (' ' or ':'))) continue;
            rest = rest.TrimStart(":\t ");
            var end = rest.IndexOfAny(' ', '\t');
            if (end >= 0) rest = rest[..end];
            return long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
        }

        return null;
    }

    /// <summary>The same of a line in kB, in bytes.</summary>
    public static long? Kilobytes(string? text, string name) => Field(text, name) * 1024;
}
