using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Planning;

/// <summary>Asked just before a run starts: whether the plan stays below its share of what is free right now, on every device and on the host.</summary>
public static class MemoryCheck
{
    const double Gibi = 1L << 30;

    /// <param name="memoryOf">Of a device; `cpu` is the host.</param>
    /// <param name="held">Bytes of the host that this run has already, for its snapshots.</param>
    /// <param name="exitCode">Of the refusal, by device.</param>
    /// <returns>What is given up so that it fits; null: nothing.</returns>
    /// <exception cref="UserError">It does not fit: with the sizes that would.</exception>
    public static string? Require(RunConfig config, Func<string, DeviceMemory> memoryOf, long held, Func<string, int> exitCode)
    {
        Dictionary<string, DeviceMemory> memories = [];
        foreach (var device in config.Devices.Append(MemoryPlan.Host).Distinct())
        {
            // A graphics card whose memory nothing can read is no reason not to try: what does not fit is then met by the step itself.
            try
            {
                var memory = memoryOf(device);
                memories[device] = device == MemoryPlan.Host ? memory with { FreeBytes = memory.FreeBytes + held } : memory;
            }
            catch (UserError) when (device != MemoryPlan.Host)
            {
            }
        }

        long Free(string device) => memories.TryGetValue(device, out var memory) ? memory.FreeBytes : long.MaxValue;
        if (MemoryPlan.Of(config).Fits(Free)) return null;
        var least = MemoryPlan.Of(config, snapshots: 1);
        if (least.Needs.FirstOrDefault(need => need.TotalBytes > MemoryPlan.LargestShare * Free(need.Device)) is not { } tooLarge)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"two snapshots of {MemoryPlan.StateBytes(config) / Gibi:F2} GiB do not fit into the host's memory beside the run: it may have to do with one, and a crash then costs what was done since the last checkpoint on disk");
        }

        throw new UserError("memory", string.Create(CultureInfo.InvariantCulture,
                $"this run needs {tooLarge.TotalBytes / Gibi:F2} GiB of {memories[tooLarge.Device].Name}, where {Free(tooLarge.Device) / Gibi:F2} GiB are free"),
            string.Create(CultureInfo.InvariantCulture, $"at most {MemoryPlan.LargestShare:P0} of it"), Remedy(config, new BatchSearch(config, Free, snapshots: 1)), exitCode(tooLarge.Device));
    }

    /// <summary>The sizes that would fit, the ones that change least first.</summary>
    static string Remedy(RunConfig config, BatchSearch search)
    {
        List<string> ways = [];
        var share = DeviceShare.Of(config);
        if (share.GraphsHeld > 1 && search.LargestWithCache() is var cached && cached >= config.Data.BatchSize) ways.Add("micro_batch 0 (the gradient cache: the same numbers)");
        else if (search.LargestGroup((int)share.GroupSize) is var group and > 0)
            ways.Add(string.Create(CultureInfo.InvariantCulture, $"batchnorm_group {group} with the gradient cache (the same batch, other numbers)"));
        if (search.LargestBatch() is var batch and > 0) ways.Add(Size(config, batch));
        return ways.Count > 0
            ? $"What would fit: {string.Join("; or ", ways)}. ./mcn plan shows the parts"
            : "No batch of it fits: smaller layers, fewer howto_audio_frames, or more memory. ./mcn plan shows the parts";
    }

    static string Size(RunConfig config, int batch) => string.Create(CultureInfo.InvariantCulture,
        $"batch_size {batch} x n_pair {config.Data.NPair} = {(long)batch * config.Data.NPair:N0} clips a step{(config.Optimizer.MicroBatch == 0 ? " (with the gradient cache)" : "")}");
}
