using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// The declaration of one key. Reading, defaults, range checks, `--set` and docs/configuration.md are all derived from
/// it; the list is in RunConfigKeys.
/// </summary>
/// <param name="Path">`section.key`, or the key alone at the top of the file.</param>
/// <param name="Type">What it may hold.</param>
/// <param name="Doc">What it means: sentences for docs/configuration.md.</param>
public sealed record ConfigKey(string Path, ConfigType Type, string Doc)
{
    /// <summary>Value when the key is absent; null: required, or see <see cref="DefaultFrom"/>.</summary>
    public JsonNode? Default { get; init; }

    /// <summary>The key whose value is taken when this one is absent or empty.</summary>
    public string? DefaultFrom { get; init; }

    /// <summary>The key that must be given when this one is not.</summary>
    public string? RequiredWithout { get; init; }

    /// <summary>Default in words, where it is not a value.</summary>
    public string? DefaultText { get; init; }

    /// <summary>Unit of the value; empty when it has none.</summary>
    public string Unit { get; init; } = "";

    public bool IsRequired => Default is null && DefaultText is null;

    /// <summary>The section, empty at the top of the file.</summary>
    public string Section => Path.Contains('.', StringComparison.Ordinal) ? Path[..Path.IndexOf('.', StringComparison.Ordinal)] : "";

    /// <summary>The name inside the section.</summary>
    public string Leaf => Path[(Path.IndexOf('.', StringComparison.Ordinal) + 1)..];
}
