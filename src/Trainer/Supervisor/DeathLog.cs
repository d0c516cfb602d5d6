using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The deaths of a run that the restart policy counts, in the run's `deaths.json`: a daemon that is itself killed and started again must
/// not begin the count anew. Bounded; a person's word clears it.
/// </summary>
static class DeathLog
{
    const int Version = 1;

    /// <summary>More than any policy looks at.</summary>
    const int Kept = 32;

    /// <summary>Oldest first.</summary>
    public static IReadOnlyList<Death> Read(RunFolder run, ILogger log)
    {
        if (StateFile.Read(run.Deaths, TrainerJson.Default.RememberedDeaths, log) is not { } file) return [];
        if (file.FormatVersion == Version) return file.Deaths;
        log.Warning("{Path} is of format version {Found}, expected {Expected}; the deaths before are not counted", run.Deaths, file.FormatVersion, Version);
        return [];
    }

    public static void Write(RunFolder run, IEnumerable<Death> deaths, ILogger log) =>
        StateFile.Write(run.Deaths, new RememberedDeaths(Version, [.. deaths.TakeLast(Kept)]), TrainerJson.Default.RememberedDeaths, log);
}
