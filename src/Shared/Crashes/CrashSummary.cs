namespace Mcn.Web.Shared.Crashes;

/// <summary>A crash in a few lines: the banner on the page, the first file of the report.</summary>
public sealed record CrashSummary
{
    /// <summary>Unique; also the report's file name without extension.</summary>
    public required string CrashId { get; init; }

    public required string RunId { get; init; }

    public required int WorkerIncarnation { get; init; }

    public required DateTimeOffset Time { get; init; }

    public required int? ExitCode { get; init; }

    public required int? Signal { get; init; }

    /// <summary>What ended it: `exception`, `native_abort`, `killed`, `hang`, `exit`.</summary>
    public required string Kind { get; init; }

    /// <summary>Steps done when it died, from the recorder; null when unknown.</summary>
    public required long? Step { get; init; }

    /// <summary>Phase of the step in which it died (`fetch`, `forward`, `backward`, …); null when unknown.</summary>
    public required string? Phase { get; init; }

    /// <summary>Replica that failed or stood still, as `rank 1 (cuda:1)`; null for one device, where nobody knows, and in reports of older programs.</summary>
    public string? Rank { get; init; }

    /// <summary>The line that says most: exception message, CUDA error, or how it was ended.</summary>
    public required string Message { get; init; }

    /// <summary>What the diagnosis takes for the cause; its code is the rule's id. Null in reports of older programs.</summary>
    public CodedText? Cause { get; init; }

    /// <summary>Lines that look like a cause and are none, each with the reason.</summary>
    public required IReadOnlyList<RuledOut> RuledOut { get; init; }

    /// <summary>What the supervisor does next: restarts, or gives up and why.</summary>
    public required CodedText Next { get; init; }
}

/// <param name="Text">The suspicious line.</param>
/// <param name="Because">Why it is not the cause; its code is the rule's id.</param>
public sealed record RuledOut(string Text, CodedText Because);
