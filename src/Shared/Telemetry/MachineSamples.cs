namespace Mcn.Web.Shared.Telemetry;

/// <summary>All GPUs of the box at one moment, from NVML, about once a second. An unknown figure is null, never zero.</summary>
public sealed record GpuSample : TelemetryRecord
{
    /// <summary>True when the figures come from FakeNvml (`--simulate-gpus`): shown wherever they are.</summary>
    public required bool Simulated { get; init; }

    /// <summary>Why there is none (`no driver`, `no GPU`), or null. Then <see cref="Gpus"/> is empty.</summary>
    public string? Unavailable { get; init; }

    public required IReadOnlyList<GpuReading> Gpus { get; init; }
}

/// <param name="Index">Number of the GPU, from 0.</param>
/// <param name="Uuid">NVML's identity of the board.</param>
/// <param name="UtilizationPercent">Share of the last sample period in which a kernel ran.</param>
/// <param name="Xids">Xid errors seen since the sample before.</param>
public sealed record GpuReading(
    int Index,
    string Uuid,
    string Name,
    long? MemoryUsedBytes,
    long? MemoryTotalBytes,
    int? UtilizationPercent,
    int? TemperatureCelsius,
    double? PowerWatts,
    IReadOnlyList<int> Xids);

/// <summary>The machine around the training, every few seconds. An unknown figure is null, never zero.</summary>
public sealed record HostSample : TelemetryRecord
{
    public required long? MemoryTotalBytes { get; init; }

    public required long? MemoryAvailableBytes { get; init; }

    /// <summary>Memory limit of the control group, when there is one.</summary>
    public required long? CgroupLimitBytes { get; init; }

    public required long? CgroupUsedBytes { get; init; }

    /// <summary>Busy share of all cores since the sample before, 0 to 1.</summary>
    public required double? CpuUtilization { get; init; }

    /// <summary>Resident memory of the worker.</summary>
    public required long? WorkerMemoryBytes { get; init; }

    /// <summary>The file systems that matter: data folder, features, /tmp, /dev/shm.</summary>
    public required IReadOnlyList<DiskReading> Disks { get; init; }

    /// <summary>inotify watches and instances of this user, and their limits.</summary>
    public required long? InotifyWatches { get; init; }

    public required long? InotifyWatchLimit { get; init; }

    public required long? InotifyInstances { get; init; }

    public required long? InotifyInstanceLimit { get; init; }
}

/// <param name="Mount">Mount point.</param>
/// <param name="Purpose">Why it is watched: `data`, `features`, `tmp`, `shm`.</param>
public sealed record DiskReading(string Mount, string Purpose, long? TotalBytes, long? FreeBytes, long? TotalInodes, long? FreeInodes);

/// <summary>One line of a program's output or log.</summary>
public sealed record LogLine : TelemetryRecord
{
    /// <summary>`worker`, `supervisor`.</summary>
    public required string Source { get; init; }

    /// <summary>`information`, `warning`, `error`.</summary>
    public required string Level { get; init; }

    public required string Text { get; init; }
}
