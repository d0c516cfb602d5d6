using Mcn.Web.Shared.Configuration;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>Chooses the rows that become the first centroids: K distinct indices below <paramref name="rows"/>.</summary>
public delegate long[] InitialRows(int rows, int clusters, int epoch, int stepInEpoch);

/// <summary>
/// Online k-means over the fused embeddings of this step and of the queue (mcn-spec §6.2): refitted every queue_size steps from the
/// previous centroids, assigned in between. Owns everything of the clustering that a checkpoint must carry. Rank 0's thread alone calls it:
/// the queue lies in parts on the ranks' devices, a fit issues each part's work to its device and merges the sums on rank 0's.
/// </summary>
public sealed class OnlineClusters : IDisposable
{
    readonly ObjectiveConfig config;
    readonly CompatibilityConfig compatibility;
    readonly InitialRows initialRows;
    readonly IReadOnlyList<Device> partDevices;
    readonly int videos;
    Tensor? toStore;
    Tensor? before;
    bool replaced;

    /// <param name="devices">Of the ranks, rank 0's first; several times the same is allowed. They share the queue's rows.</param>
    public OnlineClusters(RunConfig config, IReadOnlyList<Device> devices, InitialRows initialRows)
    {
        this.config = config.Objective;
        compatibility = config.Compatibility;
        this.initialRows = initialRows;
        partDevices = VideoParts.Devices(devices);
        videos = config.Data.BatchSize;
        if (config.Objective.UseQueue)
            Queue = new FeatureQueue(config.Objective.QueueSize, config.Data.BatchSize, config.Data.NPair, config.Model.EmbdDim, devices);
    }

    /// <summary>Null when use_queue is off: then only the batch is clustered (spec Q6).</summary>
    public FeatureQueue? Queue { get; }

    /// <summary>(K, D); null before the first step.</summary>
    public Tensor? Centroids { get; private set; }

    /// <summary>What the last fit did; null before the first one of this process.</summary>
    public KMeansFigures? LastFit { get; private set; }

    /// <summary>The same as <see cref="Propose"/> and <see cref="Keep"/>.</summary>
    public Tensor Update(Tensor fused, int epoch, int stepInEpoch)
    {
        var labels = Propose(fused, epoch, stepInEpoch);
        Keep();
        return labels;
    }

    /// <summary>Fits or assigns. The step is over for queue and centroids with <see cref="Keep"/>, or never was with <see cref="Drop"/>.</summary>
    /// <param name="fused">(N, D): mean of the step's embeddings, without graph.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="stepInEpoch">From 0; the refit clock of the original starts anew with each epoch.</param>
    /// <returns>(N) int64: the cluster of each row; <see cref="Centroids"/> holds what they refer to.</returns>
    public Tensor Propose(Tensor fused, int epoch, int stepInEpoch)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var fit = Centroids is null || !config.FastC || stepInEpoch % config.QueueSize == 0;
        var labels = fit ? Fit(fused, epoch, stepInEpoch) : SphericalKMeans.Assign(fused, Centroids!);
        toStore = epoch >= config.StartQueue ? fused : null;
        return labels.MoveToOuterDisposeScope();
    }

    /// <summary>Stores the step in the queue.</summary>
    public void Keep()
    {
        if (toStore is { } fused) Queue?.Push(fused);
        if (replaced) before?.Dispose();
        (toStore, before, replaced) = (null, null, false);
    }

    /// <summary>Nothing remains of the step.</summary>
    public void Drop()
    {
        if (replaced)
        {
            Centroids?.Dispose();
            Centroids = before;
        }

        (toStore, before, replaced) = (null, null, false);
    }

    Tensor Fit(Tensor fused, int epoch, int stepInEpoch)
    {
        var cold = Centroids is null || !config.FastC || (stepInEpoch == 0 && compatibility.RedrawCentroidsEachEpoch);
        var parts = Parts(fused);
        try
        {
            var fit = ShardedKMeans.Run(parts, cold ? Draw(fused, epoch, stepInEpoch) : Centroids!, compatibility.ZeroEmptyClusters);
            (before, replaced) = (Centroids, true);
            Centroids = fit.Centroids.DetachFromDisposeScope();
            LastFit = new KMeansFigures(fit.Iterations, fit.EmptyClusters, fit.Splits, fit.Entropy, cold ? null : fit.Churn);
            return compatibility.LabelsBeforeLastUpdate
                ? cat([.. parts.Select(part => part.Labels[^1].to(fused.device))], 0)
                : SphericalKMeans.Assign(fused, Centroids!);
        }
        finally
        {
            foreach (var part in parts) part.Dispose();
        }
    }

    /// <summary>Each part's piece of the queue once that is full, and its rows of this step.</summary>
    KMeansPart[] Parts(Tensor fused)
    {
        long Begin(int part) => VideoParts.Begin(videos, part) * fused.shape[0] / videos;
        return [.. partDevices.Select((device, part) =>
        {
            var step = fused.narrow(0, Begin(part), Begin(part + 1) - Begin(part)).to(device);
            return new KMeansPart(device, Queue is { IsFull: true } ? [Queue.Parts[part].flatten(0, 1), step] : [step]);
        })];
    }

    Tensor Draw(Tensor fused, int epoch, int stepInEpoch)
    {
        var queued = Queue is { IsFull: true } ? (long)config.QueueSize * Queue.RowsPerStep : 0;
        var chosen = initialRows((int)(queued + fused.shape[0]), config.ClusterSize, epoch, stepInEpoch);
        return stack(chosen.Select(row => (row < queued ? Queue!.Row(row) : fused.select(0, row - queued)).to(fused.dtype, fused.device)), 0);
    }

    /// <summary>Takes over the centroids of a checkpoint.</summary>
    public void Restore(Tensor centroids)
    {
        Centroids?.Dispose();
        Centroids = centroids.DetachFromDisposeScope();
    }

    public void Dispose()
    {
        Drop();
        Queue?.Dispose();
        Centroids?.Dispose();
    }
}

/// <summary>What a fit of the centroids did (<see cref="ShardedKMeans.Fit"/>).</summary>
/// <param name="Churn">Null where the centroids were drawn anew: there is nothing to compare with.</param>
public sealed record KMeansFigures(int Iterations, int EmptyClusters, int Splits, double Entropy, double? Churn);
