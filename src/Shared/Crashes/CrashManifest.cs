namespace Mcn.Web.Shared.Crashes;

/// <summary>`manifest.json` of a report: what is in it, and what could not be had.</summary>
public sealed record CrashManifest
{
    public required int FormatVersion { get; init; }

    public required string CrashId { get; init; }

    /// <summary>When the report was made, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    public required string Program { get; init; }

    public required IReadOnlyList<CrashFile> Files { get; init; }

    /// <summary>Collectors that failed or took too long, and files left out to keep the report small.</summary>
    public required IReadOnlyList<CrashGap> Missing { get; init; }
}

/// <param name="Truncated">True: only a part of the original; the file says where it is cut.</param>
public sealed record CrashFile(string Name, long Bytes, string Sha256, bool Truncated);

public sealed record CrashGap(string Name, string Reason);
