using Mcn.Web.Shared.Crashes;
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

/// <summary>The deaths of the loaded run and what the policy makes of them. The keeper owns it, under its lock.</summary>
sealed class DeathCount(RestartPolicy policy, ILogger log)
{
    readonly List<Death> deaths = [];
    RunFolder? folder;

    /// <summary>Why the run is not started again; null: it may be.</summary>
    public CodedText? Hopeless => deaths.Count > 0 && policy.Decide(deaths) is { Delay: null } decision ? decision.Reason : null;

    /// <param name="anew">A person started it: the count begins anew.</param>
    public void Load(RunFolder run, bool anew)
    {
        folder = run;
        deaths.Clear();
        if (anew) Clear();
        else deaths.AddRange(DeathLog.Read(run, log));
    }

    /// <summary>A person has looked.</summary>
    public void Clear()
    {
        deaths.Clear();
        if (File.Exists(folder!.Deaths)) DeathLog.Write(folder, deaths, log);
    }

    public RestartDecision Add(Death death)
    {
        deaths.Add(death);
        DeathLog.Write(folder!, deaths, log);
        return policy.Decide(deaths);
    }
}
