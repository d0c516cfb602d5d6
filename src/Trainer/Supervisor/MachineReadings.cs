using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The real machine behind a <see cref="MachineProbe"/>: NVML, the host, and the thresholds of both.</summary>
public sealed class MachineReadings : IDisposable
{
    readonly GpuSampler gpu = new(TimeProvider.System);
    readonly Thresholds thresholds = new();

    public MachineReadings(string dataFolder)
    {
        Directory.CreateDirectory(dataFolder);
        var host = new HostSampler([new WatchedPlace(Path.GetFullPath(dataFolder), "data"), new WatchedPlace(Path.GetTempPath(), "tmp")], TimeProvider.System);
        Probe = new MachineProbe(gpu.Sample, host.Sample, Judge, () => thresholds.Standing);
    }

    public MachineProbe Probe { get; }

    IReadOnlyList<Alert> Judge(TelemetryRecord sample) => sample switch
    {
        HostSample host => thresholds.Take(host, TimeProvider.System.GetUtcNow()),
        GpuSample cards => thresholds.Take(cards, TimeProvider.System.GetUtcNow()),
        _ => [],
    };

    public void Dispose() => gpu.Dispose();
}
