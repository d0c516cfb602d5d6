using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>What the supervisor has in hand at the moment of a death. Everything that the next worker overwrites is a copy.</summary>
public sealed record CrashScene
{
    public required RunFolder Folder { get; init; }

    /// <summary>The daemon's own folder of logs; null: none.</summary>
    public string? DaemonLogs { get; init; }

    public required int WorkerIncarnation { get; init; }

    /// <summary>When it died, or was found dead.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Exactly one of exit code and signal; neither when nobody saw the end.</summary>
    public int? ExitCode { get; init; }

    public int? Signal { get; init; }

    /// <summary>Text of the watch, when the worker hung and was ended for it.</summary>
    public string? Hang { get; init; }

    /// <summary>Where the threads of a hanging worker waited, taken while it lived.</summary>
    public string? Threads { get; init; }

    public IReadOnlyList<string> ErrorTail { get; init; } = [];

    /// <summary>Null: the worker died before it opened its recorder.</summary>
    public RecorderContent? Recorder { get; init; }

    public byte[]? RecorderBytes { get; init; }

    /// <summary>The last minutes of both streams, oldest first; bounded.</summary>
    public IReadOnlyList<TelemetryRecord> Recent { get; init; } = [];

    public HostSample? HostAtDeath { get; init; }

    public GpuSample? GpuAtDeath { get; init; }

    /// <summary>Processes of the control group killed for memory while the worker lived; null: not readable.</summary>
    public long? OutOfMemoryKills { get; init; }

    /// <summary>One crash a worker: whoever investigates it twice comes to the same name.</summary>
    public string CrashId => NameOf(Folder, WorkerIncarnation);

    public string ReportPath => Path.Combine(Folder.Crashes, CrashId + ".zip");

    public static string NameOf(RunFolder folder, int incarnation) => string.Create(CultureInfo.InvariantCulture, $"crash-{folder.RunId}-w{incarnation:D6}");

    /// <summary>Whether a report of this worker exists, sent or not.</summary>
    public static bool HasReport(RunFolder folder, int incarnation)
    {
        var path = Path.Combine(folder.Crashes, NameOf(folder, incarnation) + ".zip");
        return File.Exists(path) || File.Exists(path + CrashUploader.SentSuffix);
    }
}
