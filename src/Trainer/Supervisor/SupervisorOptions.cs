namespace Mcn.Web.Trainer.Supervisor;

/// <summary>What `serve` was told.</summary>
public sealed record SupervisorOptions
{
    public required string DataFolder { get; init; }

    /// <summary>Null: no dashboard; everything stays in the journal.</summary>
    public Uri? Dashboard { get; init; }

    /// <summary>File with the trainer's API key.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Run to start or go on with; null: the one that was loaded last.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>A new run of <see cref="ConfigFile"/> even if there is one.</summary>
    public bool New { get; init; }

    /// <summary>Program and first arguments of the worker; `work --run DIR` is added.</summary>
    public required IReadOnlyList<string> WorkerCommand { get; init; }

    public HangLimits HangLimits { get; init; } = HangLimits.Default;

    public RestartPolicy Restarts { get; init; } = new();

    /// <summary>What a worker gets to save and leave before it is made to.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>What a worker gets to leave once it has saved in order to be released.</summary>
    public TimeSpan ReleaseGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Between SIGTERM and SIGKILL.</summary>
    public TimeSpan TermGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Log to the console as well; tests do not.</summary>
    public bool LogToConsole { get; init; } = true;

    /// <summary>How often a worker's recorder and journal are looked at.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>This very program as the worker, unless MCN_WORKER_COMMAND (words separated by blanks) names another.</summary>
    public static IReadOnlyList<string> DefaultWorkerCommand()
    {
        if (Environment.GetEnvironmentVariable("MCN_WORKER_COMMAND") is { Length: > 0 } named) return named.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var program = Environment.ProcessPath!;
        var isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return isHost ? [program, Path.Combine(AppContext.BaseDirectory, typeof(SupervisorOptions).Assembly.GetName().Name + ".dll")] : [program];
    }

    /// <summary>The limits, with MCN_HANG_SECONDS for drills.</summary>
    public static HangLimits LimitsFromEnvironment() =>
        double.TryParse(Environment.GetEnvironmentVariable("MCN_HANG_SECONDS"), System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? HangLimits.Default with { Floor = TimeSpan.FromSeconds(seconds) }
            : HangLimits.Default;
}
