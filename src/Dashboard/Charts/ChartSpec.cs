using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Charts;

/// <param name="Metric">Name within the track.</param>
/// <param name="Label">As it is, or a key of Words when <paramref name="LabelIsKey"/>.</param>
public sealed record ChartLine(string Metric, string Label, string Color, bool LabelIsKey = false, bool Dashed = false, double Width = 1.5);

/// <summary>A chart: which curves of which track, in which unit.</summary>
/// <param name="Title">Key of Words.</param>
/// <param name="Unit">As it stands on the axis, the same in every language.</param>
/// <param name="Group">Track: `step`, `gpu`, `host`.</param>
/// <param name="Scale">Stored value times this is the shown one.</param>
/// <param name="Most">Fixed upper end of the axis; null: as the values are.</param>
/// <param name="Least">Fixed lower end.</param>
public sealed record ChartSpec(string Title, string Unit, string Group, IReadOnlyList<ChartLine> Lines, double Scale = 1, double? Least = null, double? Most = null)
{
    const double PerGiB = 1.0 / (1L << 30);
    const string Strong = "#0072b2";

    public static readonly ChartSpec Loss = new("ChartLoss", "", "step",
    [
        new(MetricCatalog.Loss, "LossTotal", Strong, LabelIsKey: true, Width: 2.2),
        new(MetricCatalog.LossTextVideo, "LossTextVideo", "#56b4e9", LabelIsKey: true),
        new(MetricCatalog.LossAudioText, "LossAudioText", "#009e73", LabelIsKey: true),
        new(MetricCatalog.LossVideoAudio, "LossVideoAudio", "#cc79a7", LabelIsKey: true),
        new(MetricCatalog.LossCluster, "LossCluster", "#8a8f98", LabelIsKey: true),
        new(MetricCatalog.LossReconstruction, "LossReconstruction", "#7a68c0", LabelIsKey: true),
    ]);

    public static readonly ChartSpec LearningRate = new("ChartLearningRate", "", "step", [new(MetricCatalog.LearningRate, "LearningRate", Strong, LabelIsKey: true)], Least: 0);

    public static readonly ChartSpec GradientNorm = new("ChartGradientNorm", "", "step", [new(MetricCatalog.GradientNorm, "GradientNorm", Strong, LabelIsKey: true)], Least: 0);

    /// <summary>Where the time of a step goes.</summary>
    public static ChartSpec Parts(int replicas) => new("ChartParts", "s", "step",
    [
        new(MetricCatalog.DataWait, "Phase_fetch", "#8a8f98", LabelIsKey: true),
        new(MetricCatalog.HostToDevice, "Phase_h2d", "#56b4e9", LabelIsKey: true),
        new(MetricCatalog.Forward, "Phase_forward", "#009e73", LabelIsKey: true),
        new(MetricCatalog.Backward, "Phase_backward", Strong, LabelIsKey: true),
        .. Enumerable.Repeat(new ChartLine(MetricCatalog.Exchange, "Phase_exchange", "#cc79a7", LabelIsKey: true), replicas > 1 ? 1 : 0),
        new(MetricCatalog.Optimizer, "Phase_update", "#7a68c0", LabelIsKey: true),
    ], Least: 0);

    /// <summary>Who waits for whom: the lowest line is the replica that the others wait for.</summary>
    public static ChartSpec RankWaits(int replicas) => new("ChartRankWaits", "%", "step",
        [.. Enumerable.Range(0, replicas).Select(rank => new ChartLine(MetricCatalog.Of(MetricCatalog.RankWait, rank), $"rank {rank}", HouseTheme.GpuColors[rank % HouseTheme.GpuColors.Count]))],
        100, 0, 100);

    /// <summary>How evenly k-means fills its clusters, and how much a fit moves: falling evenness is the sign of collapse.</summary>
    public static readonly ChartSpec Clusters = new("ChartClusters", "", "step",
    [
        new(MetricCatalog.KMeansEntropy, "KMeansEntropy", Strong, LabelIsKey: true),
        new(MetricCatalog.KMeansChurn, "KMeansChurn", "#cc79a7", LabelIsKey: true),
        new(MetricCatalog.KMeansQueue, "KMeansQueue", "#8a8f98", LabelIsKey: true),
    ], 1, 0, 1);

    public static readonly ChartSpec ClusterRepairs = new("ChartClusterRepairs", "", "step",
    [
        new(MetricCatalog.KMeansEmptyClusters, "KMeansEmpty", Strong, LabelIsKey: true),
        new(MetricCatalog.KMeansSplits, "KMeansSplits", "#009e73", LabelIsKey: true),
    ], Least: 0);

    public static readonly ChartSpec Rate = new("ChartRate", "clips/s", "step", [new(MetricCatalog.SamplesPerSecond, "Rate", Strong, LabelIsKey: true)], Least: 0);

    /// <summary>Memory against its total; a dashed line where the totals end.</summary>
    public static ChartSpec GpuMemory(GpuSample sample)
    {
        var total = sample.Gpus.Max(gpu => gpu.MemoryTotalBytes);
        var limit = sample.Gpus.Take(1).Select(gpu => new ChartLine(MetricCatalog.Of(MachineMetrics.GpuMemoryLimit, gpu.Index), "Total", "#8a8f98", LabelIsKey: true, Dashed: true));
        return new("ChartGpuMemory", "GiB", "gpu", [.. PerGpu(sample, MachineMetrics.GpuMemory), .. limit], PerGiB, 0, total * PerGiB * 1.04);
    }

    public static ChartSpec GpuUtilization(GpuSample sample) => new("ChartGpuUtilization", "%", "gpu", PerGpu(sample, MachineMetrics.GpuUtilization), 1, 0, 100);

    public static ChartSpec GpuTemperature(GpuSample sample) => new("ChartGpuTemperature", "°C", "gpu", PerGpu(sample, MachineMetrics.GpuTemperature));

    public static ChartSpec GpuPower(GpuSample sample) => new("ChartGpuPower", "W", "gpu", PerGpu(sample, MachineMetrics.GpuPower), 1, 0);

    public static readonly ChartSpec HostMemory = new("ChartHostMemory", "GiB", "host",
    [
        new(MachineMetrics.HostMemory, "MemoryUsed", Strong, LabelIsKey: true),
        new(MachineMetrics.WorkerMemory, "MemoryWorker", "#009e73", LabelIsKey: true),
    ], PerGiB, 0);

    static IReadOnlyList<ChartLine> PerGpu(GpuSample sample, string metric) =>
        [.. sample.Gpus.Select(gpu => new ChartLine(MetricCatalog.Of(metric, gpu.Index), $"GPU {gpu.Index}", HouseTheme.GpuColors[gpu.Index % HouseTheme.GpuColors.Count]))];
}

/// <summary>How the viewer wants the charts: of this page only.</summary>
/// <param name="BySteps">Training curves over steps instead of time; machine curves have time only.</param>
/// <param name="Newest">The newest minutes, every sample; else the whole run.</param>
/// <param name="Overtaken">Show the points that a restart went back over, dimmed.</param>
/// <param name="Logarithmic">Logarithmic y axis for the loss.</param>
public sealed record ChartChoice(bool BySteps = true, bool Newest = false, bool Overtaken = false, bool Logarithmic = false);
