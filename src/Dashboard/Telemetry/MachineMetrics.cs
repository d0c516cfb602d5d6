using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>Numbers of a record by metric name (OpenTelemetry names; the GPU's index or the mount in brackets).</summary>
public static class MachineMetrics
{
    public const string GpuMemory = "hw.gpu.memory.usage";
    public const string GpuMemoryLimit = "hw.gpu.memory.limit";
    public const string GpuUtilization = "hw.gpu.utilization";
    public const string GpuTemperature = "hw.temperature";
    public const string GpuPower = "hw.power";
    public const string HostMemory = "system.memory.usage";
    public const string HostCpu = "system.cpu.utilization";
    public const string WorkerMemory = "process.memory.usage";
    public const string DiskFree = "system.filesystem.free";
    public const string InotifyWatches = "lab.host.inotify.watches";
    public const string InotifyInstances = "lab.host.inotify.instances";

    /// <summary>Which curves share their moments: rows of one group have one time.</summary>
    public static string GroupOf(string metric) =>
        metric.StartsWith("train.", StringComparison.Ordinal) ? "step" : metric.StartsWith("hw.", StringComparison.Ordinal) ? "gpu" : "host";

    /// <summary>The numbers of a record; none for a record that is an event. Unknown figures are left out.</summary>
    public static (double Step, IEnumerable<(string Metric, double Value)> Values)? Of(TelemetryRecord record) => record switch
    {
        StepMetrics step => (step.Step, step.Values.Select(pair => (pair.Key, pair.Value))),
        GpuSample sample => (double.NaN, sample.Gpus.SelectMany(Gpu)),
        HostSample sample => (double.NaN, Host(sample)),
        _ => null,
    };

    static IEnumerable<(string, double)> Gpu(GpuReading gpu) => Known(
        (MetricCatalog.Of(GpuMemory, gpu.Index), gpu.MemoryUsedBytes),
        (MetricCatalog.Of(GpuMemoryLimit, gpu.Index), gpu.MemoryTotalBytes),
        (MetricCatalog.Of(GpuUtilization, gpu.Index), gpu.UtilizationPercent),
        (MetricCatalog.Of(GpuTemperature, gpu.Index), gpu.TemperatureCelsius),
        (MetricCatalog.Of(GpuPower, gpu.Index), gpu.PowerWatts));

    static IEnumerable<(string, double)> Host(HostSample host) => Known(
    [
        (HostMemory, host.MemoryTotalBytes - host.MemoryAvailableBytes),
        (HostCpu, host.CpuUtilization),
        (WorkerMemory, host.WorkerMemoryBytes),
        (InotifyWatches, host.InotifyWatches),
        (InotifyInstances, host.InotifyInstances),
        .. host.Disks.Select(disk => ($"{DiskFree}[{disk.Mount}]", (double?)disk.FreeBytes)),
    ]);

    static IEnumerable<(string, double)> Known(params (string Metric, double? Value)[] figures) =>
        figures.Where(figure => figure.Value is not null).Select(figure => (figure.Metric, figure.Value!.Value));
}
