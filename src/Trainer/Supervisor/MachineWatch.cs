using Mcn.Web.Shared.Telemetry;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>What can be read of the machine. Each call may be slow, none may hang; one at a time.</summary>
/// <param name="Gpu">All GPUs.</param>
/// <param name="Host">The machine, and the worker of that process id.</param>
/// <param name="Alerts">What a sample begins or ends; called once a sample.</param>
/// <param name="Standing">What has begun and not ended: for a run that starts while something is wrong already.</param>
public sealed record MachineProbe(
    Func<GpuSample> Gpu, Func<int?, HostSample> Host, Func<TelemetryRecord, IReadOnlyList<Alert>> Alerts, Func<IReadOnlyCollection<Alert>> Standing);

/// <summary>Samples the machine into the ledger: GPUs every second, the host every five. One loop of the supervisor.</summary>
public sealed class MachineWatch(MachineProbe? probe, Func<int?> workerPid, Ledger ledger, ILogger log, TimeProvider time) : IDisposable
{
    static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    const int HostEvery = 5;

    readonly SemaphoreSlim one = new(1);

    /// <summary>Rounds that failed.</summary>
    public long Failures { get; private set; }

    /// <summary>The newest sample; null before the first.</summary>
    public HostSample? LastHost { get; private set; }

    /// <summary>As <see cref="LastHost"/>.</summary>
    public GpuSample? LastGpu { get; private set; }

    public async Task RunAsync(CancellationToken cancel)
    {
        if (probe is null) return;
        var wasLive = false;
        var withoutGpu = false;
        for (var round = 0L; !cancel.IsCancellationRequested; round++)
        {
            try
            {
                if (ledger.RunIsLive && !wasLive) foreach (var alert in probe.Standing()) ledger.WriteSample(alert);
                wasLive = ledger.RunIsLive;
                // Without a GPU the same sentence every second would only fill the disk.
                if (!withoutGpu || round % HostEvery == 0)
                {
                    var gpu = await OneAsync(probe.Gpu).ConfigureAwait(false);
                    withoutGpu = gpu.Unavailable is not null;
                    Take(probe, gpu);
                }

                if (round % HostEvery == 0) Take(probe, await OneAsync(() => probe.Host(workerPid())).ConfigureAwait(false));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                if (Failures++ == 0) log.Error(error, "The machine cannot be sampled; trying on, further failures are counted only");
            }

            await Task.Delay(Every, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    void Take(MachineProbe readings, TelemetryRecord sample)
    {
        ledger.WriteSample(sample);
        if (sample is HostSample host) LastHost = host;
        if (sample is GpuSample cards) LastGpu = cards;
        foreach (var alert in readings.Alerts(sample))
        {
            ledger.WriteSample(alert);
            log.Warning("{Code}: {Text}", alert.Code, alert.Text);
        }
    }

    /// <summary>Fresh readings at a death: within the time or not at all.</summary>
    public async Task<(HostSample? Host, GpuSample? Gpu)> SampleNowAsync(TimeSpan atMost)
    {
        if (probe is null) return (null, null);
        try
        {
            var host = await OneAsync(() => probe.Host(null)).WaitAsync(atMost, time).ConfigureAwait(false) with { Time = time.GetUtcNow() };
            var gpu = await OneAsync(probe.Gpu).WaitAsync(atMost, time).ConfigureAwait(false) with { Time = time.GetUtcNow() };
            return (host, gpu);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            log.Warning(error, "The machine could not be sampled at the death");
            return (null, null);
        }
    }

    async Task<T> OneAsync<T>(Func<T> read)
    {
        await one.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Run(read).ConfigureAwait(false);
        }
        finally
        {
            one.Release();
        }
    }

    public void Dispose() => one.Dispose();
}
