using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Objective;

namespace Mcn.Web.Trainer.Planning;

/// <summary>What a run needs of one memory, part by part.</summary>
/// <param name="Device">`cuda:0`, or `cpu` for the memory of this machine.</param>
/// <param name="Replicas">How many replicas lie in it; 0: only what the host keeps for GPUs.</param>
/// <param name="Parts">Bytes by part, in the order in which they are told.</param>
public sealed record MemoryNeed(string Device, int Replicas, IReadOnlyList<KeyValuePair<string, long>> Parts)
{
    public long TotalBytes => Parts.Sum(part => part.Value);
}

/// <summary>
/// What a run needs of each memory it lies in: a formula over the configuration, nothing is run. The graph of as many clips as
/// micro_batch allows is held, at least one BatchNorm group; further clips are encoded twice. Pure. Held to measured runs on the CPU by
/// `plan --probe` and `bench memory`; on a GPU `plan --probe` measures it, which its developers have not seen.
/// </summary>
/// <param name="Needs">One of each device, every rank counted as the fullest one, and one of the host when the devices are GPUs.</param>
public sealed record MemoryPlan(IReadOnlyList<MemoryNeed> Needs)
{
    /// <summary>Above this share of what is free a run is not called safe: allocators split memory, and evaluation needs some too.</summary>
    public const double LargestShare = 0.92;

    /// <summary>The memory of this machine, as a device's name.</summary>
    public const string Host = "cpu";

    // Measured on the CPU (libtorch 2.10, glibc 2.36, AMD EPYC), as multiples of what is kept of the group that is on its way back: gradients on
    // their way, and above all freed blocks that the C library does not find again; and the same for groups encoded before, where some are
    // encoded twice.
    const double CpuBackwardFactor = 1.4;
    const double CpuCacheFactor = 1.7;

    // .NET and libtorch with nothing loaded, resident, and the buffers of kernels.
    const long CpuProgramBytes = 246L << 20;

    // Context, cuBLAS and cuDNN workspaces: what others report for one A100. Not measured by us.
    const long CudaProgramBytes = 1300L << 20;

    /// <summary>Snapshots that training keeps in the host's memory; without room for two it makes do with one (docs/checkpoints.md).</summary>
    public const int Snapshots = 2;

    /// <param name="snapshots">How many snapshots are kept.</param>
    public static MemoryPlan Of(RunConfig config, int snapshots = Snapshots)
    {
        var share = DeviceShare.Of(config);
        List<MemoryNeed> needs = [.. config.Devices.GroupBy(device => device)
            .Select(device => new MemoryNeed(device.Key, device.Count(), [.. Replicas(config, share, device.Key, device.Count(), lead: device.Key == config.Devices[0])]))];
        var host = OnTheHost(config, share, snapshots).ToList();
        var cpu = needs.FindIndex(need => need.Device == Host);
        if (cpu < 0) needs.Add(new MemoryNeed(Host, 0, host));
        else needs[cpu] = needs[cpu] with { Parts = [.. needs[cpu].Parts, .. host] };
        return new MemoryPlan(needs);
    }

    /// <summary>Whether each need fits into what is free there.</summary>
    public bool Fits(Func<string, long> freeBytes) => Needs.All(need => need.TotalBytes <= LargestShare * freeBytes(need.Device));

    /// <param name="lead">Whether rank 0 is among them: it has the clustering, and with it a gradient of every clip's embeddings.</param>
    static IEnumerable<KeyValuePair<string, long>> Replicas(RunConfig config, DeviceShare share, string device, int replicas, bool lead)
    {
        var cpu = device == Host;
        var (model, size) = (config.Model, new NetworkSize(config.Model));
        long n = config.ClipsPerStep, d = model.EmbdDim;
        var frames = config.Data.HowtoAudioFrames;
        // On the CPU a product's input is rounded but in single precision (Arithmetic.Rounded).
        var half = config.Precision == "bf16" && !cpu;
        var kept = size.ActivationBytes(frames, half);
        var beside = cpu ? share.GroupSize * (CpuBackwardFactor + (share.EncodedTwice > 0 ? CpuCacheFactor : 0)) : 0;
        KeyValuePair<string, long> Each(string name, long bytes) => new(name, replicas * bytes);

        yield return Each("weights", ((size.Parameters + size.Buffers) * sizeof(float)) + (config.Precision == "bf16" ? share.GraphsHeld * size.Parameters * (half ? sizeof(short) : sizeof(float)) : 0));
        yield return Each("gradients", share.GradientSums * size.Parameters * sizeof(float));
        yield return Each("optimizer", 2 * size.Parameters * sizeof(float) / config.Devices.Count);
        yield return Each("activations", (long)((share.HeldClips + beside) * kept));
        yield return Each("inputs", share.HeldClips * BytesOfAClipOnTheDevice(config));
        // Of its own clips, and their gradients; of several replicas each copies those of all clips together, also within one memory; the cluster
        // term on rank 0 has a gradient for every clip. All of it is there at once while the loss is computed, and so are all held graphs: it
        // adds. Before the way back all but the gradients of its own clips is gone. That is not taken off gradients and workspace, which come
        // then: what an allocator keeps of freed blocks is not found again by whatever comes.
        var ofAll = replicas * (config.Devices.Count > 1 ? n : 0) + (lead && config.Objective.Kmeans ? n : 0);
        yield return new("embeddings", 3 * d * sizeof(float) * ((2 * replicas * share.Clips) + ofAll));
        yield return Each("loss", ContrastShare.MostBytes(config.Objective, n, share.GroupSize));
        // The step's mean embeddings; sums of each part, their total, old and new centroids and their directions.
        if (lead && config.Objective.Kmeans)
        {
            var rowsOfAPart = (Math.Max(QueueRows(config), n) + VideoParts.Count - 1) / VideoParts.Count;
            yield return new("clustering", ((n + ((VideoParts.Count + 4) * config.Objective.ClusterSize)) * d * sizeof(float))
                + (2 * Math.Min(KMeansPart.MostBlockBytes, rowsOfAPart * config.Objective.ClusterSize * sizeof(float))));
        }

        var partsOfOne = (VideoParts.Count + config.Devices.Count - 1) / config.Devices.Count;
        if (QueueRows(config) is > 0 and var rows) yield return new("queue", Math.Min(replicas * partsOfOne, VideoParts.Count) * rows / VideoParts.Count * d * sizeof(float));

        if (cpu) yield break;
        yield return Each("workspace", 2 * share.GroupSize * size.LargestMap(frames) * sizeof(float)); // gradients of the largest maps on their way back
        yield return new("program", CudaProgramBytes);
    }

    static IEnumerable<KeyValuePair<string, long>> OnTheHost(RunConfig config, DeviceShare share, int snapshots)
    {
        yield return new("read_ahead", Math.Min(config.Data.ReadAheadBytes, (config.Data.NumThreadReader + 1L) * config.ClipsPerStep * BytesOfAClipOnTheHost(config)));
        yield return new("snapshots", snapshots * StateBytes(config));
        yield return new("program", CpuProgramBytes);
    }

    /// <summary>What a checkpoint holds: weights, statistics, both moments, queue, centroids.</summary>
    public static long StateBytes(RunConfig config)
    {
        var size = new NetworkSize(config.Model);
        var clusters = config.Objective.Kmeans ? (QueueRows(config) + config.Objective.ClusterSize) * config.Model.EmbdDim : 0;
        return sizeof(float) * ((3 * size.Parameters) + size.Buffers + clusters);
    }

    static long QueueRows(RunConfig config) =>
        config.Objective is { Kmeans: true, UseQueue: true } ? (long)config.Objective.QueueSize * config.Data.BatchSize * (config.Data.NPair / 2) : 0;

    static long BytesOfAClipOnTheDevice(RunConfig config) =>
        ((((long)config.Model.MelBands * config.Data.HowtoAudioFrames) + config.Model.FeatureDim) * sizeof(float)) + (config.Data.MaxWords * sizeof(long));

    static long BytesOfAClipOnTheHost(RunConfig config) =>
        ((long)config.Model.MelBands * config.Data.HowtoAudioFrames * sizeof(short)) + ((config.Model.FeatureDim + config.Data.MaxWords + 2) * sizeof(float));
}

/// <summary>How the clips of a step lie on the fullest replica.</summary>
/// <param name="Clips">It encodes.</param>
/// <param name="GroupSize">Clips of a BatchNorm group.</param>
/// <param name="GraphsHeld">Groups whose graph is held at a time; the others of its groups are encoded twice.</param>
/// <param name="GradientSums">Sums of gradients, each as large as the network, that it holds at most, the group's own among them.</param>
public sealed record DeviceShare(long Clips, long GroupSize, long GraphsHeld, long GradientSums)
{
    public long HeldClips => GraphsHeld * GroupSize;

    public long EncodedTwice => Clips - HeldClips;

    public static DeviceShare Of(RunConfig config)
    {
        long groups = config.BatchnormGroups, size = config.ClipsPerStep / groups, ranks = config.Devices.Count;
        var mine = (groups + ranks - 1) / ranks;
        var held = Math.Min(mine, Math.Max(1, config.Optimizer.MicroBatch / size));
        return new DeviceShare(mine * size, size, held, Enumerable.Range(0, (int)ranks).Max(rank => SumOrder.MostHeld((int)(groups * rank / ranks), (int)(groups * (rank + 1) / ranks))));
    }
}
