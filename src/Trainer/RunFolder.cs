using System.Globalization;

namespace Mcn.Web.Trainer;

/// <summary>The only place that knows the names of a run's files: `DATA/runs/RUN-ID/…`.</summary>
public sealed class RunFolder(string path)
{
    public string Path { get; } = path;

    public string RunId => System.IO.Path.GetFileName(Path);

    /// <summary>Identity and incarnation.</summary>
    public string Identity => In("run.json");

    /// <summary>The resolved configuration.</summary>
    public string Config => In("config.json");

    /// <summary>Program, libraries, machine and device of the newest incarnation.</summary>
    public string Environment => In("environment.json");

    /// <summary>Held by the process that trains.</summary>
    public string Lock => In("lock");

    public string Checkpoints => In("checkpoints");

    public string Journal => In("journal");

    /// <summary>Flight recorder of the newest worker.</summary>
    public string Recorder => In("recorder.bin");

    /// <summary>Crash reports: `CRASH-ID.zip`, and `CRASH-ID.zip.sent` once the dashboard has it.</summary>
    public string Crashes => In("crashes");

    /// <summary>Deaths that the restart policy counts.</summary>
    public string Deaths => In("deaths.json");

    /// <summary>Changes of live knobs.</summary>
    public string Knobs => In("knobs.json");

    public string Logs => In("logs");

    public static string RunsOf(string dataFolder) => System.IO.Path.Combine(dataFolder, "runs");

    /// <summary>The run of an id that came from outside; null: there is none of that name.</summary>
    public static RunFolder? Find(string dataFolder, string? runId) =>
        runId is { Length: > 0 } && System.IO.Path.GetFileName(runId) == runId && new RunFolder(System.IO.Path.Combine(RunsOf(dataFolder), runId)) is var run && File.Exists(run.Identity) ? run : null;

    /// <summary>One journal file for each writer of each incarnation.</summary>
    public string JournalOf(string stream, int incarnation) =>
        System.IO.Path.Combine(Journal, string.Create(CultureInfo.InvariantCulture, $"{stream}-{incarnation:D6}.journal"));

    public static string CheckpointName(long step) => string.Create(CultureInfo.InvariantCulture, $"step-{step:D10}");

    /// <summary>What a worker printed.</summary>
    public string WorkerLog(int incarnation) => System.IO.Path.Combine(Logs, string.Create(CultureInfo.InvariantCulture, $"worker-{incarnation:D6}.log"));

    string In(string name) => System.IO.Path.Combine(Path, name);
}
