using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// The figures of all GPUs of the box, for the supervisor: no CUDA context, no torch, and still there when the worker is not.
/// One caller at a time. Never throws and never hangs: whatever is missing is <see cref="GpuSample.Unavailable"/> or null.
/// </summary>
public sealed class GpuSampler : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>A driver may be installed, or come back after an update, while we run.</summary>
    static readonly TimeSpan BetweenAttempts = TimeSpan.FromSeconds(30);

    readonly TimeProvider time;
    readonly string library;
    readonly PatientCall<GpuSample> read;
    NvmlSession? session;
    string? unavailable;
    volatile bool simulated;
    long lastAttempt;

    public GpuSampler(TimeProvider time)
        : this(time, Nvml.LibraryToLoad, Patience)
    {
    }

    internal GpuSampler(TimeProvider time, string library, TimeSpan patience)
    {
        this.time = time;
        this.library = library;
        read = new PatientCall<GpuSample>("gpu-sample", Read, patience);
    }

    public GpuSample Sample()
    {
        try
        {
            return read.TryGet(out var sample)
                ? sample!
                : None("GPUs cannot be read: NVML does not answer; the driver is still starting, or it or a GPU hangs");
        }
        catch (InvalidOperationException failure)
        {
            return None($"GPUs cannot be read: {failure.Message}");
        }
    }

    /// <summary>Leaves NVML, unless a call still hangs in it: then that thread ends with the process.</summary>
    public void Dispose()
    {
        var close = new PatientCall<bool>("gpu-close", Close, Patience);
        if (read.Idle) _ = close.TryGet(out _);
    }

    GpuSample None(string reason) => new() { Simulated = simulated, Unavailable = reason, Gpus = [] };

    GpuSample Read()
    {
        if (session is null && (unavailable is null || time.GetElapsedTime(lastAttempt) >= BetweenAttempts))
        {
            lastAttempt = time.GetTimestamp();
            session = NvmlSession.Open(library, out var fake, out unavailable);
            simulated = fake;
        }

        if (session is null) return None(unavailable!);
        if (session.Read(out unavailable) is { } gpus) return new() { Simulated = simulated, Gpus = gpus };
        Close();
        lastAttempt = time.GetTimestamp();
        return None(unavailable!);
    }

    bool Close()
    {
        session?.Dispose();
        session = null;
        return true;
    }
}
