namespace Mcn.Web.Shared.Runs;

/// <summary>`run.json`: what makes a run this run. Written before the first step of each incarnation.</summary>
public sealed record RunIdentity
{
    public required int FormatVersion { get; init; }

    /// <summary>Unique; sorts by time of creation.</summary>
    public required string RunId { get; init; }

    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>Processes that have trained this run so far; the running one carries this number.</summary>
    public required int Incarnation { get; init; }

    /// <summary>True once the last planned step is trained, evaluated and saved.</summary>
    public required bool Finished { get; init; }

    /// <summary>The run and checkpoint that this one began with; null: it began at step 0.</summary>
    public RunParent? Parent { get; init; }

    /// <summary>What data.read_mode `auto` meant where the run began (`random` or `sequential`); null: not decided yet, or nothing to decide.</summary>
    public string? ReadMode { get; init; }
}

/// <summary>Where a run branched off.</summary>
/// <param name="RunId">The other run, of the same data folder.</param>
/// <param name="Step">Steps done at the checkpoint.</param>
public sealed record RunParent(string RunId, long Step);
