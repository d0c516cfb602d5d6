using System.Text.Json.Nodes;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>What a check found. The list of findings is bounded; the counts are not.</summary>
public sealed class CheckReport
{
    public const int FormatVersion = 1;

    /// <summary>Findings listed at most: a missing mount makes millions, and the first tell enough.</summary>
    public const int MostListed = 100_000;

    readonly List<Finding> findings = [];
    readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);

    public required string Config { get; init; }

    /// <summary>Rows of the list.</summary>
    public required int Videos { get; init; }

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; internal set; }

    /// <summary>Rows whose files were checked by an earlier, interrupted check.</summary>
    public int ResumedVideos { get; internal set; }

    public IReadOnlyList<Finding> Findings => findings;

    /// <summary>Kind → how often.</summary>
    public IReadOnlyDictionary<string, long> Counts => counts;

    public long Count => counts.Values.Sum();

    internal void Add(Finding finding)
    {
        counts[finding.Kind] = counts.GetValueOrDefault(finding.Kind) + 1;
        if (findings.Count < MostListed) findings.Add(finding);
    }

    /// <summary>In the order of the list, whatever the threads did.</summary>
    internal void Sort() => findings.Sort((a, b) =>
    {
        var byRow = (a.Row ?? 0).CompareTo(b.Row ?? 0);
        var byKind = byRow != 0 ? byRow : string.CompareOrdinal(a.Kind, b.Kind);
        return byKind != 0 ? byKind : string.CompareOrdinal(a.Subject, b.Subject);
    });

    public JsonObject ToJson() => new()
    {
        ["format_version"] = FormatVersion,
        ["config"] = Config,
        ["ok"] = Count == 0,
        ["videos"] = Videos,
        ["resumed_videos"] = ResumedVideos,
        ["bytes"] = Bytes,
        ["counts"] = new JsonObject(counts.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
        ["findings_left_out"] = Count - findings.Count,
        ["findings"] = new JsonArray([.. findings.Select(finding => (JsonNode)ToJson(finding))]),
    };

    internal static JsonObject ToJson(Finding finding) => new()
    {
        ["kind"] = finding.Kind, ["row"] = finding.Row, ["subject"] = finding.Subject, ["found"] = finding.Found, ["expected"] = finding.Expected,
    };

    internal static Finding FindingFrom(JsonObject json) =>
        new((string)json["kind"]!, (int?)json["row"], (string)json["subject"]!, (string)json["found"]!, (string)json["expected"]!);
}
