using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// What one training step needs in the memory of its device, part by part: a formula over the configuration, nothing is run. One device
/// holds the whole step and keeps the graph of all its clips. Pure. Held to measured runs on the CPU by `plan --probe`; for a GPU it is
/// computed only.
/// </summary>
/// <param name="Device">`cpu`, `cuda:0`.</param>
/// <param name="Parts">Bytes by part, in the order in which they are told.</param>
public sealed record MemoryPlan(string Device, IReadOnlyList<KeyValuePair<string, long>> Parts)
{
    /// <summary>Above this share of what is free a run is not called safe: allocators split memory, and evaluation needs some too.</summary>
    public const double LargestShare = 0.92;

    // Measured on the CPU (libtorch 2.10, AMD EPYC): beside what autograd keeps, the convolutions' own copies in their blocked layout and
    // the gradients on their way back are as large again.
    const double CpuActivationFactor = 2.0;

    // .NET and libtorch with nothing loaded, resident.
    const long CpuProgramBytes = 230L << 20;

    // Context, cuBLAS and cuDNN workspaces: what others report for one A100. Not measured by us.
    const long CudaProgramBytes = 1300L << 20;

    const long LossBlockBytes = 64L << 20;

    public long TotalBytes => Parts.Sum(part => part.Value);

    /// <param name="videos">batch_size to plan for; null: the configuration's.</param>
    public static MemoryPlan Of(RunConfig config, int? videos = null)
    {
        var device = config.Devices[0];
        var cpu = device == "cpu";
        var (model, size) = (config.Model, new NetworkSize(config.Model));
        var (batch, frames) = (videos ?? config.Data.BatchSize, config.Data.HowtoAudioFrames);
        long n = (long)batch * config.Data.NPair, d = model.EmbdDim;
        var kept = size.AudioActivations(frames) + size.HeadActivations();
        var activations = n * kept * sizeof(float);
        var inputs = n * (((((long)model.MelBands * frames) + model.FeatureDim) * sizeof(float)) + (config.Data.MaxWords * sizeof(long)));
        List<KeyValuePair<string, long>> parts =
        [
            new("weights", (size.Parameters + size.Buffers) * sizeof(float)),
            new("gradients", size.Parameters * sizeof(float)),
            new("optimizer", 2 * size.Parameters * sizeof(float)),
            new("activations", cpu ? (long)(CpuActivationFactor * activations) : activations),
            new("inputs", inputs),
            new("embeddings", 2 * 3 * n * d * sizeof(float)), // and their gradients
            new("loss", 3 * Math.Min(n * n * sizeof(float), Math.Max(LossBlockBytes, n * sizeof(float)))),
        ];
        if (config.Objective.Kmeans)
        {
            var rows = config.Objective.UseQueue ? (long)config.Objective.QueueSize * batch * (config.Data.NPair / 2) : 0;
            if (rows > 0) parts.Add(new("queue", rows * d * sizeof(float)));
            // A fit lays queue and batch together, and their directions beside them.
            parts.Add(new("clustering", 2 * (rows + n) * d * sizeof(float)));
        }

        if (cpu) parts.Add(new("read_ahead", Math.Min(config.Data.ReadAheadBytes, (config.Data.NumThreadReader + 1L) * n * BytesOfAClipOnTheHost(config))));
        else parts.Add(new("workspace", 2 * n * size.LargestMap(frames) * sizeof(float))); // gradients of the largest maps on their way back
        parts.Add(new("program", cpu ? CpuProgramBytes : CudaProgramBytes));
        return new MemoryPlan(device, parts);
    }

    /// <summary>Whether it fits into so much free memory.</summary>
    public bool Fits(long freeBytes) => TotalBytes <= LargestShare * freeBytes;

    /// <summary>The largest batch_size that fits, 0 when not even one video does.</summary>
    public static int LargestBatch(RunConfig config, long freeBytes)
    {
        var (fits, not) = (0, 1);
        while (not < int.MaxValue / 4 && Of(config, not).Fits(freeBytes)) (fits, not) = (not, not * 2);
        while (not - fits > 1)
        {
            var middle = fits + ((not - fits) / 2);
            if (Of(config, middle).Fits(freeBytes)) fits = middle;
            else not = middle;
        }

        return fits;
    }

    static long BytesOfAClipOnTheHost(RunConfig config) =>
        ((long)config.Model.MelBands * config.Data.HowtoAudioFrames * sizeof(short)) + ((config.Model.FeatureDim + config.Data.MaxWords + 2) * sizeof(float));
}
