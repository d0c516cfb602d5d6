namespace Mcn.Web.Shared.Telemetry;

/// <summary>Figures of others beside which a result is shown.</summary>
/// <param name="Source">`paper`, `lab` (earlier runs of the lab this program is for) or `cited`.</param>
/// <param name="Direction">As in <see cref="RetrievalRow"/>.</param>
/// <param name="R1">Fraction, as R5 and R10.</param>
public sealed record PublishedRow(string Source, string Direction, double R1, double R5, double R10);

/// <summary>
/// What is known of MCN on evaluation sets (mcn-spec §11, training notes §E2). Only YouCook2's row is the paper's own as far as this
/// project could check; what later papers print in their tables is marked as cited, and nothing else is shown.
/// </summary>
public static class PublishedFigures
{
    /// <summary>Set of 3,350 clips: the only one that the paper's row may stand beside.</summary>
    public const string YouCook2 = "youcook2";

    /// <summary>The 1,000 test clips of the JSFusion split.</summary>
    public const string MsrVtt = "msrvtt";

    public const string Lsmdc = "lsmdc";

    /// <summary>A set in the same layout that nobody published figures for.</summary>
    public const string OtherClips = "clips";

    /// <summary>Clips of YouCook2's validation set that are not in HowTo100M; the paper's figures are over these.</summary>
    public const int YouCook2Clips = 3350;

    /// <summary>Who cites the figures that are not checked against the paper itself.</summary>
    public const string CitedIn = "the comparison tables of later papers (Norton 2024, HyperRep 2023)";

    public static PublishedRow Paper { get; } = new("paper", "t2va", 0.181, 0.355, 0.452);

    /// <summary>Rows for a set; empty for a set that nobody published figures for.</summary>
    /// <param name="kind">One of the constants above; null is none of them.</param>
    public static IReadOnlyList<PublishedRow> For(string? kind) => kind switch
    {
        YouCook2 => [Paper, new("lab", "t2va", 0.0170, 0.0700, 0.116), new("lab", "t2va", 0.0529, 0.132, 0.184)],
        MsrVtt => [new("cited", "t2va", 0.105, 0.252, 0.338)],
        _ => [],
    };
}
