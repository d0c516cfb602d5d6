using System.Globalization;

namespace Mcn.Web.Shared.Telemetry;

/// <summary>Names of the trainer's metrics; units in brackets. OpenTelemetry style: dots, no unit suffix.</summary>
public static class MetricCatalog
{
    /// <summary>Total loss [1].</summary>
    public const string Loss = "train.loss";

    /// <summary>Masked margin softmax, text-video [1].</summary>
    public const string LossTextVideo = "train.loss.tv";

    /// <summary>Masked margin softmax, audio-text [1].</summary>
    public const string LossAudioText = "train.loss.at";

    /// <summary>Masked margin softmax, video-audio [1].</summary>
    public const string LossVideoAudio = "train.loss.va";

    /// <summary>Cluster term, weighted [1].</summary>
    public const string LossCluster = "train.loss.cluster";

    /// <summary>Reconstruction term, weighted [1].</summary>
    public const string LossReconstruction = "train.loss.recon";

    /// <summary>Learning rate of the step [1].</summary>
    public const string LearningRate = "train.learning_rate";

    /// <summary>Norm of the gradient of all parameters over all clips, before the update; absent where it is not finite [1].</summary>
    public const string GradientNorm = "train.grad.norm";

    /// <summary>Clips seen since the run began [{clip}].</summary>
    public const string Samples = "train.samples";

    /// <summary>Clips a second since the last report, wall time [{clip}/s].</summary>
    public const string SamplesPerSecond = "train.samples.rate";

    /// <summary>Wall time of the step, waiting for data included [s].</summary>
    public const string StepDuration = "train.step.duration";

    /// <summary>Part of the step spent waiting for data [s].</summary>
    public const string DataWait = "train.step.duration.data_wait";

    /// <summary>Part of the step: host to device, on the replica that takes longest [s].</summary>
    public const string HostToDevice = "train.step.duration.h2d";

    /// <summary>Part of the step: forward pass, until every replica has done it [s].</summary>
    public const string Forward = "train.step.duration.forward";

    /// <summary>Part of the step: losses, clustering and backward pass, until every replica has done them [s].</summary>
    public const string Backward = "train.step.duration.backward";

    /// <summary>Part of the step: gradients are summed and weights copied between replicas; absent for one device [s].</summary>
    public const string Exchange = "train.step.duration.allreduce";

    /// <summary>Part of the step: optimizer, until every replica has updated its share [s].</summary>
    public const string Optimizer = "train.step.duration.optimizer";

    /// <summary>
    /// Share of the time since the last report that a replica waited for the others, its rank in brackets: `train.rank.wait[0]`. The one that
    /// waits least is the one that the others wait for. Absent for one device [1].
    /// </summary>
    public const string RankWait = "train.rank.wait";

    /// <summary>Clips whose graph a device may hold at a time; halved when memory runs short [{clip}].</summary>
    public const string MicroBatch = "train.micro_batch";

    /// <summary>Times that a step was begun anew because memory ran short, since this process began [1].</summary>
    public const string StepsRedone = "train.steps.redone";

    /// <summary>Share of the time since the last report that the training thread waited for batches [1].</summary>
    public const string DataWaitShare = "train.data.wait.share";

    /// <summary>Bytes that the readers took from files [By/s].</summary>
    public const string ReadRate = "train.data.read.rate";

    /// <summary>Share of the readers' time that they sat in reads [1].</summary>
    public const string ReadShare = "train.data.read.share";

    /// <summary>Share of the readers' time that they inflated, pooled and cut [1].</summary>
    public const string DecodeShare = "train.data.decode.share";

    /// <summary>Full batches that wait for the training thread [By].</summary>
    public const string QueueBytes = "train.data.queue";

    /// <summary>Videos that could not be used and were skipped, since this process began [{video}].</summary>
    public const string BadVideos = "train.data.bad_videos";

    /// <summary>What limits training: a value of the enum <see cref="Telemetry.Bottleneck"/> [1].</summary>
    public const string Bottleneck = "train.bottleneck";

    /// <summary>Clips a second if readers did nothing but read [{clip}/s].</summary>
    public const string LimitDisk = "train.limit.disk";

    /// <summary>Clips a second if readers did nothing but decode [{clip}/s].</summary>
    public const string LimitCpu = "train.limit.cpu";

    /// <summary>Clips a second if a step were its copies to the device [{clip}/s].</summary>
    public const string LimitTransfer = "train.limit.transfer";

    /// <summary>Clips a second if a step were its arithmetic [{clip}/s].</summary>
    public const string LimitDevice = "train.limit.device";

    /// <summary>Clips a second if a step were its exchange between replicas; absent for one device [{clip}/s].</summary>
    public const string LimitExchange = "train.limit.exchange";

    /// <summary>Share of the queue of embeddings that is filled; k-means uses it once it is 1. Absent without a queue [1].</summary>
    public const string KMeansQueue = "train.kmeans.queue";

    /// <summary>Iterations of the last k-means fit [{iteration}].</summary>
    public const string KMeansIterations = "train.kmeans.iterations";

    /// <summary>Empty clusters in the last k-means fit [{cluster}].</summary>
    public const string KMeansEmptyClusters = "train.kmeans.empty_clusters";

    /// <summary>Empty or tiny clusters that took half of the largest one, in the last k-means fit [{cluster}].</summary>
    public const string KMeansSplits = "train.kmeans.splits";

    /// <summary>Entropy of the cluster sizes of the last k-means fit, as a share of ln K: 1 all equal, 0 all rows in one [1].</summary>
    public const string KMeansEntropy = "train.kmeans.entropy";

    /// <summary>Share of the rows that the last k-means fit moved to another cluster; absent where it drew new centroids [1].</summary>
    public const string KMeansChurn = "train.kmeans.churn";

    /// <summary>Training stood still for the last snapshot [s].</summary>
    public const string CheckpointStall = "train.checkpoint.stall";

    /// <summary>Bound of the work that the death of the trainer's process costs [s].</summary>
    public const string CheckpointAtRisk = "train.checkpoint.at_risk";

    /// <summary>Bound of the work that the death of the machine costs [s].</summary>
    public const string CheckpointAtRiskMachine = "train.checkpoint.at_risk.machine";

    /// <summary>Name of a metric that there is one of for each GPU or rank.</summary>
    public static string Of(string metric, int index) => string.Create(CultureInfo.InvariantCulture, $"{metric}[{index}]");
}
