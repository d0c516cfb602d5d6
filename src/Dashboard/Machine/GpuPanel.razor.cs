using System.Globalization;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Machine;

/// <summary>The GPUs now, or why there is none.</summary>
public sealed partial class GpuPanel
{
    static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(5);

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }

    bool Stale => View.Gpus is { } sample && Now - sample.Time > LateAfter;

    /// <summary>Of this run.</summary>
    List<int> RanksOn(GpuReading gpu) => View.Started is { } started ? [.. Enumerable.Range(0, started.Boards.Count).Where(rank => started.Boards[rank] == gpu.Uuid)] : [];

    static string Share(GpuReading gpu) => (100.0 * (gpu.MemoryUsedBytes ?? 0) / Math.Max(1, gpu.MemoryTotalBytes ?? 1)).ToString("0.#", CultureInfo.InvariantCulture);
}
