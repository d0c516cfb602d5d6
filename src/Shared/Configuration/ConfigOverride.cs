using System.Text.Json;

namespace Mcn.Web.Shared.Configuration;

/// <summary>One `--set key=value`: finds the key it means and hands the value to the reader.</summary>
static class ConfigOverride
{
    /// <param name="assignment">`optimizer.lr=0.001`, or `lr=0.001` where only one section has that key.</param>
    /// <param name="reader">Takes the value or the mistake.</param>
    internal static void Apply(string assignment, RunConfigReader reader)
    {
        var source = $"--set {assignment}";
        var equals = assignment.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            reader.Report(source, "", equals < 0 ? "no =" : "no key before the =", "key=value", "For example --set lr=0.0001");
            return;
        }

        var name = assignment[..equals].Trim();
        var text = assignment[(equals + 1)..].Trim();
        if (name == RunConfigKeys.Compatibility)
        {
            reader.TakePreset(Value(text, takesText: true), source);
        }
        else if (RunConfigKeys.IsSection(name))
        {
            reader.Report(source, name, "a section", "a key", $"Set its keys one by one: --set {RunConfigKeys.Of(name).First().Path}=…");
        }
        else if (Resolve(name, source, reader) is { } key)
        {
            // Who types a path means the folder that the shell is in, not the one of the file.
            reader.Take(key, Value(text, key.Type.TakesText), source, Directory.GetCurrentDirectory());
        }
    }

    static ConfigKey? Resolve(string name, string source, RunConfigReader reader)
    {
        if (RunConfigKeys.Find(name) is { } exact) return exact;

        var sameLeaf = RunConfigKeys.All.Where(key => key.Leaf == name).ToList();
        if (sameLeaf.Count == 1) return sameLeaf[0];
        if (sameLeaf.Count == 0)
        {
            reader.ReportUnknown(source, "", name, $"the unknown key {name}");
            return null;
        }

        var candidates = string.Join(" or ", sameLeaf.Select(key => key.Path));
        reader.Report(source, "", $"{name} in {sameLeaf.Count} sections", candidates, "Write the section before the key");
        return null;
    }

    // A text is taken as it stands, unless it is quoted or a list: `--set name=2024` is a name.
    static JsonElement Value(string text, bool takesText) =>
        ConfigJson.TryParseValue(text, out var value)
            && (!takesText || value.ValueKind is JsonValueKind.String or JsonValueKind.Array)
            ? value
            : ConfigJson.FromText(text);
}
