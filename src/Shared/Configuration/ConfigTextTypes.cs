using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>A line of text.</summary>
/// <param name="Longest">Most characters.</param>
public sealed record LineOfText(int Longest) : ConfigType
{
    public override string Expected => string.Create(CultureInfo.InvariantCulture, $"a text of 1 to {Longest} characters on one line");

    internal override bool TakesText => true;

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = "";
        if (value.ValueKind != JsonValueKind.String) return null;
        var text = value.GetString()!;
        return text.Trim().Length > 0 && text.Length <= Longest && !text.Any(char.IsControl) ? JsonValue.Create(text) : null;
    }
}

/// <summary>One of a few words.</summary>
public sealed record OneOf(params string[] Words) : ConfigType
{
    public override string Expected => string.Join(" or ", Words.Select(word => $"\"{word}\""));

    internal override bool TakesText => true;

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = Words.Length == 1 ? $"This version knows only \"{Words[0]}\"" : "";
        return value.ValueKind == JsonValueKind.String && Words.Contains(value.GetString()) ? JsonValue.Create(value.GetString()) : null;
    }
}

/// <summary>`cpu`, or `cuda:N` with N from 0.</summary>
public sealed record DeviceName : ConfigType
{
    public override string Expected => "\"cpu\" or \"cuda:N\" with N from 0";

    internal override bool TakesText => true;

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        remedy = text is "cuda" or "gpu" ? "Write \"cuda:0\" for the first GPU" : "";
        var isGpu = text.StartsWith("cuda:", StringComparison.Ordinal)
            && byte.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && text == string.Create(CultureInfo.InvariantCulture, $"cuda:{index}");
        return text == "cpu" || isGpu ? JsonValue.Create(text) : null;
    }
}

/// <summary>What must lie at a path when a run starts (<see cref="RunConfigRules.CheckFiles"/>).</summary>
public enum PathTarget
{
    File,
    Folder,
    FileOrFolder,
}

/// <summary>A path; absolute and normal once read, whether or not anything lies there.</summary>
/// <param name="Target">What must lie there when a run starts.</param>
/// <param name="OrNone">The empty text is allowed and names nothing.</param>
public sealed record PathOf(PathTarget Target, bool OrNone = false) : ConfigType
{
    public override string Expected => Target switch
    {
        PathTarget.File => "the path of a file",
        PathTarget.Folder => "the path of a folder",
        _ => "the path of a file or folder",
    };

    internal override bool TakesText => true;

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = "";
        if (value.ValueKind != JsonValueKind.String) return null;
        var path = value.GetString()!;
        if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal))
        {
            // Only a shell expands it; taken literally it would name a folder called "~" beside the file.
            remedy = "Write the folder in full in place of ~";
            return null;
        }

        if (OrNone && path.Length == 0) return JsonValue.Create("");
        if (path.Trim().Length == 0 || path.Any(char.IsControl)) return null;
        return JsonValue.Create(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, folder)));
    }
}

/// <summary>A list of one type.</summary>
/// <param name="Element">What each entry is.</param>
/// <param name="Fewest">Fewest entries.</param>
/// <param name="Most">Most entries; null when there is no bound.</param>
/// <param name="OrOne">A single value without brackets is a list of one.</param>
public sealed record ListOf(ConfigType Element, int Fewest, int? Most = null, bool OrOne = false) : ConfigType
{
    public override string Expected => $"a list{Count}, each {Element.Expected}" + (OrOne ? " (or one without brackets)" : "");

    internal override bool TakesText => Element.TakesText;

    string Count => Most == Fewest
        ? string.Create(CultureInfo.InvariantCulture, $" of exactly {Fewest}")
        : Fewest > 0 ? string.Create(CultureInfo.InvariantCulture, $" of at least {Fewest}") : "";

    internal override JsonNode? Read(JsonElement value, string folder, out string remedy)
    {
        remedy = "";
        if (value.ValueKind != JsonValueKind.Array)
            return OrOne && Element.Read(value, folder, out remedy) is { } one ? new JsonArray(one) : null;

        var entries = new JsonArray();
        foreach (var entry in value.EnumerateArray())
        {
            if (Element.Read(entry, folder, out var hint) is { } read)
            {
                entries.Add(read);
                continue;
            }

            remedy = string.Create(CultureInfo.InvariantCulture, $"Entry {entries.Count + 1} is {Show(entry)}")
                + (hint.Length > 0 ? $". {hint}" : "");
            return null;
        }

        if (entries.Count >= Fewest && entries.Count <= (Most ?? int.MaxValue)) return entries;
        remedy = string.Create(CultureInfo.InvariantCulture, $"The list has {entries.Count} {(entries.Count == 1 ? "entry" : "entries")}");
        return null;
    }
}
