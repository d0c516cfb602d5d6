using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Collects the values of one configuration, and every mistake on the way, from a file and then from overrides; one
/// object per reading. Nothing throws for a mistake: <see cref="Finish"/> tells all of them.
/// </summary>
sealed class RunConfigReader(string file)
{
    readonly Dictionary<string, (JsonNode Value, string Source)> values = new(StringComparer.Ordinal);
    readonly List<ConfigMistake> mistakes = [];
    // Keys with a mistake of their own: they are not reported as missing, and rules between keys leave them alone.
    readonly HashSet<string> unsound = new(StringComparer.Ordinal);

    // Keys that are perhaps what an unknown one meant, or that stand there twice: their values here are not what the user wants.
    readonly HashSet<string> doubtful = new(StringComparer.Ordinal);

    string Folder => Path.GetDirectoryName(Path.GetFullPath(file))!;

    /// <returns>false when the file is of a newer version: then nothing else about it can be judged.</returns>
    internal bool ReadFile(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            Report(file, "", ConfigType.Show(root), "an object { … } with the sections of a configuration", "");
            return false;
        }

        if (IsNewer(root)) return false;
        ReadMembers("", root);
        return true;
    }

    /// <summary>Takes a value for a key that is known to exist.</summary>
    internal void Take(ConfigKey key, JsonElement value, string source, string folder)
    {
        var isAbsent = (key.DefaultFrom ?? key.RequiredWithout) is not null && value.ValueKind == JsonValueKind.String && value.GetString()!.Length == 0;
        if (isAbsent)
        {
            values.Remove(key.Path);
        }
        else if (key.Type.Read(value, folder, out var remedy) is { } read)
        {
            values[key.Path] = (read, source);
        }
        else
        {
            if (value.ValueKind == JsonValueKind.Null && !key.IsRequired) remedy = "Leave the key out for its default";
            unsound.Add(key.Path);
            Report(source, key.Path, ConfigType.Show(value), key.Type.Expected, remedy);
        }
    }

    /// <summary>`"compatibility": "original"`: every switch of the section at once.</summary>
    internal void TakePreset(JsonElement value, string source)
    {
        var name = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        if (name is "original" or "default")
        {
            foreach (var key in RunConfigKeys.Of(RunConfigKeys.Compatibility))
                values[key.Path] = (name == "original" ? JsonValue.Create(true) : key.Default!, source);
            return;
        }

        foreach (var key in RunConfigKeys.Of(RunConfigKeys.Compatibility)) unsound.Add(key.Path);
        Report(source, RunConfigKeys.Compatibility, ConfigType.Show(value), "\"original\", \"default\" or an object of switches", "");
    }

    internal void Report(string source, string key, string found, string expected, string remedy) =>
        mistakes.Add(new ConfigMistake { Source = source, Key = key, Found = found, Expected = expected, Remedy = remedy });

    /// <param name="source">As in <see cref="ConfigMistake.Source"/>.</param>
    /// <param name="place">As in <see cref="ConfigMistake.Key"/>.</param>
    /// <param name="name">The key that nobody knows.</param>
    /// <param name="found">What to call it.</param>
    internal void ReportUnknown(string source, string place, string name, string found)
    {
        Report(source, place, found, "", KeySuggestion.For(name));
        Doubt(KeySuggestion.Meant(name));
    }

    /// <summary>Fills in the defaults, applies the rules between keys, and returns the record or throws every mistake.</summary>
    internal RunConfig Finish(string defaultName)
    {
        foreach (var key in RunConfigKeys.All.Where(key => IsNeeded(key) && !values.ContainsKey(key.Path) && unsound.Add(key.Path)))
            Report(file, key.Path, "nothing", key.Type.Expected, $"Add it ({key.Doc.TrimEnd('.')})");

        var config = RunConfigTree.Build(key => ValueOf(key, defaultName));
        foreach (var (keys, mistake) in RunConfigRules.Broken(config))
        {
            if (keys.Any(key => unsound.Contains(key) || doubtful.Contains(key))) continue;
            // A rule that an override broke is a mistake of the override, not of the file.
            var sources = keys.Where(values.ContainsKey).Select(key => values[key].Source);
            mistakes.Add(mistake with { Source = sources.FirstOrDefault(source => source != file) ?? file });
        }

        return mistakes.Count == 0 ? config : throw Failure();
    }

    bool IsNeeded(ConfigKey key) => key.IsRequired || (key.RequiredWithout is { } other && !unsound.Contains(other)
        && (!values.TryGetValue(other, out var given) || given.Value.GetValue<string>().Length == 0));

    internal RunConfigException Failure() => new(mistakes);

    void ReportTwice(string path)
    {
        Report(file, path, "the key twice", "it once", "Remove one of the two");
        Doubt(path);
    }

    void Doubt(string? path)
    {
        foreach (var key in RunConfigKeys.All.Where(key => key.Path == path || key.Section == path)) doubtful.Add(key.Path);
    }

    JsonNode ValueOf(ConfigKey key, string defaultName)
    {
        if (values.TryGetValue(key.Path, out var given)) return given.Value;
        if (key.DefaultFrom is { } other) return ValueOf(RunConfigKeys.Find(other)!, defaultName);
        if (key.Default is { } value) return value;
        // Left are the name, and required keys that are missing: those are reported, and the record is thrown away.
        return key.Path == RunConfigKeys.Name ? defaultName : "/";
    }

    void ReadMembers(string section, JsonElement members)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members.EnumerateObject())
        {
            var path = section.Length == 0 ? member.Name : $"{section}.{member.Name}";
            if (!seen.Add(member.Name)) ReportTwice(path);
            else if (section.Length == 0 && RunConfigKeys.IsSection(path)) ReadSection(path, member.Value);
            else if (RunConfigKeys.Find(path) is { } key && key.Section == section) Take(key, member.Value, file, Folder);
            else ReportUnknown(file, path, path, "an unknown key");
        }
    }

    void ReadSection(string section, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            ReadMembers(section, value);
        }
        else if (section == RunConfigKeys.Compatibility)
        {
            TakePreset(value, file);
        }
        else
        {
            foreach (var key in RunConfigKeys.Of(section)) unsound.Add(key.Path);
            Report(file, section, ConfigType.Show(value), "an object { … }: it is a section", "");
        }
    }

    bool IsNewer(JsonElement root)
    {
        var newer = root.EnumerateObject().Any(member => member.Name == RunConfigKeys.FormatVersion
            && member.Value.ValueKind == JsonValueKind.Number
            && member.Value.TryGetInt64(out var version) && version > ProtocolVersion.Config);
        if (newer)
        {
            Report(file, RunConfigKeys.FormatVersion, ConfigType.Show(root.GetProperty(RunConfigKeys.FormatVersion)),
                $"at most {ProtocolVersion.Config}", "A newer program wrote this file: update this one");
        }

        return newer;
    }
}
