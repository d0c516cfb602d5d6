using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>Everything the engine may look at. Collected before; the engine itself reads nothing.</summary>
public sealed record Evidence
{
    /// <summary>Exactly one of exit code and signal, or neither when nobody saw the end (found at start-up, a plain log).</summary>
    public int? ExitCode { get; init; }

    public int? Signal { get; init; }

    /// <summary>Text of the watch when the supervisor ended a hanging worker.</summary>
    public string? Hang { get; init; }

    public RecorderContent? Recorder { get; init; }

    /// <summary>Lines by source, oldest first.</summary>
    public required IReadOnlyList<TextSource> Texts { get; init; }

    /// <summary>The last minutes, oldest first; the last one is of the death.</summary>
    public IReadOnlyList<HostSample> Host { get; init; } = [];

    public IReadOnlyList<GpuSample> Gpu { get; init; } = [];

    /// <summary>Processes of the control group that the kernel killed for memory since the worker started; null: not readable.</summary>
    public long? OutOfMemoryKills { get; init; }

    /// <summary>A log by itself, of whatever program: nothing is known of its end but what it says.</summary>
    public bool IsText { get; init; }

    /// <summary>False: the kernel's log could not be read.</summary>
    public bool KernelLogRead { get; init; }
}

/// <param name="Name">`stderr`, `last_words`, `kernel`, `journal`, or the name of a log file.</param>
public sealed record TextSource(string Name, IReadOnlyList<string> Lines)
{
    /// <summary>So many lines have a number; those behind a gap have none.</summary>
    public int Numbered { get; init; } = int.MaxValue;
}
