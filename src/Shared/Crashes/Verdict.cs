namespace Mcn.Web.Shared.Crashes;

/// <summary>What the diagnosis engine says of a death: `verdict.json` of a report, and what `diagnose --json` prints.</summary>
public sealed record Verdict
{
    public required Cause Cause { get; init; }

    /// <summary>`workload`, `host`, `gpu` or `unknown`.</summary>
    public required string Where { get; init; }

    /// <summary>Whether an unchanged retry can succeed: `yes`, `no` or `unknown`.</summary>
    public required string Retry { get; init; }

    public required IReadOnlyList<RuledOutCause> RuledOut { get; init; }

    public required IReadOnlyList<Unchecked> CouldNotCheck { get; init; }
}

/// <param name="Rule">Id of the rule.</param>
/// <param name="Class">gpu-memory, host-memory, shared-memory, disk-space, inodes, inotify, limits, gpu-hardware, gpu-software, driver,
/// numerics, data, checkpoint, storage, native-crash, hang, stopped, host, configuration, program-error or unknown.</param>
/// <param name="Confidence">`established`, `supported`, `hypothesis` or `unknown`.</param>
public sealed record Cause(string Rule, string Class, string Title, string Confidence, IReadOnlyList<EvidenceLine> Evidence, string Remedy);

/// <param name="Source">`stderr`, `last_words`, `exit`, `recorder`, `host`, `gpu`, `kernel`, `journal`.</param>
/// <param name="Line">Line within the source, from 1; 0 where it has none.</param>
public sealed record EvidenceLine(string Source, int Line, string Text);

/// <param name="Text">The line that suggests it; null when a reading rules out a cause that nothing suggested.</param>
public sealed record RuledOutCause(string Rule, string Because, string? Text = null);

/// <param name="Grant">What to allow so that it can be checked next time.</param>
public sealed record Unchecked(string What, string Grant);
