using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>The four figures that answer: does it learn, is it fast, is the machine well, is there something to do.</summary>
public sealed partial class Tiles
{
    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    /// <summary>Alerts that stand.</summary>
    [Parameter]
    public IReadOnlyList<Alert> Standing { get; set; } = [];

    /// <summary>Nothing new for long: shown greyed.</summary>
    [Parameter]
    public bool Stale { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }

    GpuReading? Worst => View.Gpus?.Gpus.Where(gpu => gpu is { MemoryUsedBytes: not null, MemoryTotalBytes: > 0 }).MaxBy(gpu => (double)gpu.MemoryUsedBytes! / gpu.MemoryTotalBytes!.Value);

    double? DataWait => View.Value(MetricCatalog.DataWait) is { } wait && View.Value(MetricCatalog.StepDuration) is { } step && step > 0 ? wait / step : null;
}
