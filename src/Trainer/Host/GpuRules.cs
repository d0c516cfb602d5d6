using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Gpu;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host;

/// <summary>Rules on GPUs: temperature, memory, and Xid errors, which are events and not states. Pure.</summary>
static class GpuRules
{
    public static IEnumerable<Finding> Judge(GpuReading gpu, bool simulated)
    {
        if (gpu.TemperatureCelsius is { } celsius)
        {
            yield return new Finding(
                "gpu_hot",
                Subject(gpu),
                High(celsius, 86, 80), // over 85
                $"{Label(gpu, simulated)} is at {celsius} °C; over 85 °C it slows itself down, and soon after it stops. " +
                $"Check fans, filters and the room; until then, lower its power: sudo nvidia-smi -i {gpu.Index} -pl 250",
                $"{Label(gpu, simulated)} has cooled down to {celsius} °C.",
                Of(gpu, simulated, ("temperature_celsius", Number(celsius))));
        }

        if (gpu is { MemoryUsedBytes: { } used, MemoryTotalBytes: > 0 and var total })
        {
            yield return new Finding(
                "gpu_memory_high",
                Subject(gpu),
                High((double)used / total, 0.95, 0.90),
                $"{Label(gpu, simulated)} has {Size(total - used)} of {Size(total)} memory left: " +
                "the next larger batch may fail with out of memory. " +
                "Compare with ./mcn plan --config FILE; see who else uses the GPU (nvidia-smi).",
                $"{Label(gpu, simulated)} has memory again: {Size(total - used)} of {Size(total)}.",
                Of(gpu, simulated, ("used_bytes", Number(used)), ("total_bytes", Number(total))));
        }
    }

    public static Alert Xid(GpuReading gpu, int xid, bool simulated)
    {
        var (meaning, remedy) = XidMeanings.Of(xid);
        return new Alert
        {
            Code = "gpu_xid",
            Text = $"{Label(gpu, simulated)} reported Xid {Number(xid)}: {meaning}. {remedy}",
            Parameters = Of(gpu, simulated, ("xid", Number(xid)), ("meaning", meaning), ("remedy", remedy)),
        };
    }

    internal static string Subject(GpuReading gpu) => gpu.Uuid.Length > 0 ? gpu.Uuid : Number(gpu.Index);

    /// <summary>Nobody is to run for a fire extinguisher because of FakeNvml.</summary>
    static string Label(GpuReading gpu, bool simulated) => simulated ? $"Simulated GPU {gpu.Index}" : $"GPU {gpu.Index}";

    static Dictionary<string, string> Of(GpuReading gpu, bool simulated, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var parameters = new Dictionary<string, string> { ["gpu"] = Number(gpu.Index), ["name"] = gpu.Name, ["uuid"] = gpu.Uuid };
        if (simulated) parameters["simulated"] = "true";
        foreach (var (name, value) in more) parameters[name] = value;
        return parameters;
    }
}
