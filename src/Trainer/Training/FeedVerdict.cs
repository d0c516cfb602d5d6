using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Training;

/// <summary>What was measured between two reports.</summary>
/// <param name="Seconds">Wall time of the steps.</param>
/// <param name="WaitSeconds">Of it, the training thread's waiting for batches.</param>
/// <param name="FilledClips">Clips that the readers put into batches.</param>
/// <param name="ReadSeconds">Readers' time in files, summed over them.</param>
/// <param name="DecodeSeconds">Readers' other work, summed over them.</param>
/// <param name="Readers">Reader threads.</param>
/// <param name="Cores">Of the machine: more readers than these decode no faster.</param>
/// <param name="ClipsPerStep">N.</param>
/// <param name="TransferSeconds">Host to device, one step.</param>
/// <param name="DeviceSeconds">Forward, backward and optimizer, one step.</param>
/// <param name="ExchangeSeconds">Gradients and weights between replicas, one step; 0 for one device.</param>
public readonly record struct FeedFigures(
    double Seconds,
    double WaitSeconds,
    double FilledClips,
    double ReadSeconds,
    double DecodeSeconds,
    int Readers,
    int Cores,
    int ClipsPerStep,
    double TransferSeconds,
    double DeviceSeconds,
    double ExchangeSeconds);

/// <summary>
/// Which of disk, CPU, transfer, device and exchange limits training, and what each could do if it alone did. Pure. The training thread's waiting
/// decides between the data's side and the device's side; within a side the one that takes more time limits.
/// </summary>
/// <param name="DiskClipsPerSecond">Clips a second if readers did nothing but read; null: nothing was read. Likewise the others.</param>
public sealed record FeedVerdict(
    Bottleneck Limit, double? DiskClipsPerSecond, double? CpuClipsPerSecond, double? TransferClipsPerSecond, double? DeviceClipsPerSecond, double? ExchangeClipsPerSecond)
{
    /// <summary>Waiting below this share is the jitter of two clocks, no bottleneck (the product's bound for a fed device is the same 5 %).</summary>
    public const double UnnoticedWaitShare = 0.05;

    public static FeedVerdict Of(FeedFigures figures)
    {
        var limit = figures.Seconds <= 0 ? Bottleneck.Unknown
            : figures.WaitSeconds / figures.Seconds >= UnnoticedWaitShare ? (figures.ReadSeconds >= figures.DecodeSeconds ? Bottleneck.Disk : Bottleneck.Cpu)
            : figures.ExchangeSeconds > Math.Max(figures.TransferSeconds, figures.DeviceSeconds) ? Bottleneck.Exchange
            : figures.TransferSeconds > figures.DeviceSeconds ? Bottleneck.Transfer : Bottleneck.Device;
        return new FeedVerdict(
            limit,
            Rate(figures.FilledClips * figures.Readers, figures.ReadSeconds),
            Rate(figures.FilledClips * Math.Min(figures.Readers, figures.Cores), figures.DecodeSeconds),
            Rate(figures.ClipsPerStep, figures.TransferSeconds),
            Rate(figures.ClipsPerStep, figures.DeviceSeconds),
            Rate(figures.ClipsPerStep, figures.ExchangeSeconds));
    }

    static double? Rate(double clips, double seconds) => clips > 0 && seconds > 0 ? clips / seconds : null;
}
