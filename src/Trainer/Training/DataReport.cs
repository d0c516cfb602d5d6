using System.Globalization;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The data path's part of a reported step: rates since the report before, what limits, and videos that were skipped. Called by the
/// training thread at the metric cadence; reads counters, waits for nothing.
/// </summary>
sealed class DataReport(RunConfig config, TrainingData data, TelemetryOutlet outlet)
{
    /// <summary>Alerts of one report; the others are counted in the last of them.</summary>
    const int MostAlerts = 20;

    Reading last;

    /// <summary>Adds to the values of a step, which hold its clips and durations already. The first report only sets the base line.</summary>
    public void AddTo(Dictionary<string, double> values)
    {
        TellBadRecords();
        values[MetricCatalog.BadVideos] = data.BadRecords.Count;
        values[MetricCatalog.QueueBytes] = (data.Prefetcher?.QueueDepth ?? 0) * (double)data.Shape.Bytes;
        var now = new Reading(true, values[MetricCatalog.Samples], data.Prefetcher?.ConsumerWait.TotalSeconds ?? 0, data.Counters.FilledVideos,
            data.Counters.Reads.Bytes + data.Counters.Stream.Bytes, data.Counters.Reads.Time.TotalSeconds, data.Counters.FillTime.TotalSeconds);
        if (last.IsTaken && values[MetricCatalog.SamplesPerSecond] > 0 && now.Clips > last.Clips)
            AddRates(values, now, (now.Clips - last.Clips) / values[MetricCatalog.SamplesPerSecond]);
        last = now;
    }

    void AddRates(Dictionary<string, double> values, Reading now, double seconds)
    {
        double Value(string name) => values.GetValueOrDefault(name);
        var read = now.ReadSeconds - last.ReadSeconds;
        var figures = new FeedFigures(
            Seconds: seconds,
            WaitSeconds: now.WaitSeconds - last.WaitSeconds,
            FilledClips: (now.FilledVideos - last.FilledVideos) * (double)config.Data.NPair,
            ReadSeconds: read,
            DecodeSeconds: Math.Max(0, now.FillSeconds - last.FillSeconds - read),
            Readers: config.Data.NumThreadReader,
            Cores: Environment.ProcessorCount,
            ClipsPerStep: config.ClipsPerStep,
            TransferSeconds: Value(MetricCatalog.HostToDevice),
            DeviceSeconds: Value(MetricCatalog.Forward) + Value(MetricCatalog.Backward) + Value(MetricCatalog.Optimizer),
            ExchangeSeconds: Value(MetricCatalog.Exchange));
        var verdict = FeedVerdict.Of(figures);
        var readerSeconds = seconds * figures.Readers;
        values[MetricCatalog.DataWaitShare] = Math.Min(1, figures.WaitSeconds / seconds);
        values[MetricCatalog.ReadRate] = (now.ReadBytes - last.ReadBytes) / seconds;
        values[MetricCatalog.ReadShare] = figures.ReadSeconds / readerSeconds;
        values[MetricCatalog.DecodeShare] = figures.DecodeSeconds / readerSeconds;
        values[MetricCatalog.Bottleneck] = (double)verdict.Limit;
        Add(MetricCatalog.LimitDisk, verdict.DiskClipsPerSecond);
        Add(MetricCatalog.LimitCpu, verdict.CpuClipsPerSecond);
        Add(MetricCatalog.LimitTransfer, verdict.TransferClipsPerSecond);
        Add(MetricCatalog.LimitDevice, verdict.DeviceClipsPerSecond);
        Add(MetricCatalog.LimitExchange, verdict.ExchangeClipsPerSecond);

        void Add(string name, double? rate)
        {
            if (rate is { } number) values[name] = number;
        }
    }

    void TellBadRecords()
    {
        var found = data.BadRecords.TakeNew();
        for (var i = 0; i < Math.Min(found.Count, MostAlerts); i++)
        {
            var others = i == MostAlerts - 1 && found.Count > MostAlerts ? $" (and {found.Count - MostAlerts} more)" : "";
            outlet.Write(new Alert
            {
                Code = "data_bad_video",
                Text = $"video {found[i].Id} is skipped: {found[i].Reason}{others}",
                Parameters = new Dictionary<string, string>
                {
                    ["count"] = data.BadRecords.Count.ToString(CultureInfo.InvariantCulture),
                    ["allowed"] = data.BadRecords.Allowed.ToString(CultureInfo.InvariantCulture),
                },
            });
        }
    }

    /// <summary>Counters at a report; they only grow.</summary>
    readonly record struct Reading(bool IsTaken, double Clips, double WaitSeconds, long FilledVideos, long ReadBytes, double ReadSeconds, double FillSeconds);
}
