using System.Globalization;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// What is known of the memory of a worker that was released: its process is reaped, and what NVML and the kernel say before and after.
/// A figure that cannot be read is told as unknown, never as free. Pure.
/// </summary>
/// <param name="Host">Last sample while the worker lived; null: none.</param>
/// <param name="Gpu">As <paramref name="Host"/>.</param>
sealed record ReleaseProof(HostSample? Host, GpuSample? Gpu)
{
    const double MiB = 1 << 20;

    /// <summary>A driver keeps this much of a GPU without any process on it, at most; more is somebody's.</summary>
    const long DriverBytes = 1L << 30;

    /// <param name="processIsGone">Reaped, and no entry of it in /proc.</param>
    public CodedText Against(int processId, bool processIsGone, HostSample? host, GpuSample? gpu)
    {
        var worker = Host?.WorkerMemoryBytes;
        var hostText = worker is { } resident ? string.Create(CultureInfo.InvariantCulture, $"{resident / MiB:F0} MiB") : "?";
        (string Name, string Value)[] parameters = [("pid", $"{processId}"), ("host", hostText), .. GpuParameters(gpu)];
        if (!processIsGone) return new CodedText("release_unproven", $"process {processId} is still listed by the kernel: its memory is not proven free", parameters);
        if (gpu is not { Unavailable: null, Gpus.Count: > 0 } after)
            return new CodedText("released_host", $"process {processId} is gone, {hostText} of the host's memory with it; GPUs cannot be read here", parameters);
        var text = GpuParameters(gpu).ToDictionary(pair => pair.Name, pair => pair.Value);
        return after.Gpus.All(IsFree)
            ? new CodedText("released_gpus", $"process {processId} is gone, {hostText} of the host's memory with it; {text["count"]} GPUs: {text["before"]} in use before, {text["after"]} now", parameters)
            : new CodedText("released_others", $"process {processId} is gone, {hostText} of the host's memory with it; GPUs: {text["before"]} in use before, {text["after"]} now, which others hold", parameters);
    }

    IEnumerable<(string Name, string Value)> GpuParameters(GpuSample? after) =>
        [("count", $"{after?.Gpus.Count ?? 0}"), ("before", Used(Gpu)), ("after", Used(after))];

    static bool IsFree(GpuReading gpu) => gpu.MemoryUsedBytes is { } used && used <= DriverBytes;

    static string Used(GpuSample? sample) => sample is { Gpus.Count: > 0 } read && read.Gpus.All(gpu => gpu.MemoryUsedBytes is not null)
        ? string.Create(CultureInfo.InvariantCulture, $"{read.Gpus.Sum(gpu => gpu.MemoryUsedBytes!.Value) / MiB:F0} MiB") : "?";
}
