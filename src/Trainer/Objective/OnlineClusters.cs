using Mcn.Web.Shared.Configuration;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>Chooses the rows that become the first centroids: K distinct indices below <paramref name="rows"/>.</summary>
public delegate long[] InitialRows(int rows, int clusters, int epoch, int stepInEpoch);

/// <summary>
/// Online k-means over the fused embeddings of this step and of the queue (mcn-spec §6.2): refitted every queue_size steps from the
/// previous centroids, assigned in between. Owns everything of the clustering that a checkpoint must carry.
/// </summary>
public sealed class OnlineClusters : IDisposable
{
    readonly ObjectiveConfig config;
    readonly CompatibilityConfig compatibility;
    readonly InitialRows initialRows;
    Tensor? toStore;
    Tensor? before;
    bool replaced;

    public OnlineClusters(RunConfig config, Device device, InitialRows initialRows)
    {
        this.config = config.Objective;
        compatibility = config.Compatibility;
        this.initialRows = initialRows;
        if (config.Objective.UseQueue)
            Queue = new FeatureQueue(config.Objective.QueueSize, config.Data.BatchSize, config.Data.NPair, config.Model.EmbdDim, device);
    }

    /// <summary>Null when use_queue is off: then only the batch is clustered (spec Q6).</summary>
    public FeatureQueue? Queue { get; }

    /// <summary>(K, D); null before the first step.</summary>
    public Tensor? Centroids { get; private set; }

    /// <summary>Iterations of the last fit.</summary>
    public int LastIterations { get; private set; }

    /// <summary>Clusters that were empty at the end of the last fit.</summary>
    public int LastEmptyClusters { get; private set; }

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
        var rows = Queue is { IsFull: true } ? cat([Queue.Rows(), fused], 0) : fused;
        var cold = Centroids is null || !config.FastC || (stepInEpoch == 0 && compatibility.RedrawCentroidsEachEpoch);
        var initial = cold
            ? rows.index_select(0, tensor(initialRows((int)rows.shape[0], config.ClusterSize, epoch, stepInEpoch), device: rows.device))
            : Centroids!;
        var fit = SphericalKMeans.Run(rows, initial, compatibility.ZeroEmptyClusters);
        (before, replaced) = (Centroids, true);
        Centroids = fit.Centroids.DetachFromDisposeScope();
        (LastIterations, LastEmptyClusters) = (fit.Iterations, fit.EmptyClusters);
        return compatibility.LabelsBeforeLastUpdate
            ? fit.Labels.narrow(0, rows.shape[0] - fused.shape[0], fused.shape[0])
            : SphericalKMeans.Assign(fused, Centroids!);
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
