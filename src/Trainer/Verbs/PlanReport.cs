using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What `plan` found, for people and as JSON.</summary>
sealed class PlanReport
{
    const double Gibi = 1L << 30;

    readonly RunConfig config;
    readonly BatchAlgebra algebra;
    readonly MemoryPlan plan;
    readonly DeviceShare share;
    readonly Dictionary<string, DeviceMemory?> memories;
    readonly ProbeResult? measured;
    readonly List<string> warnings = [];
    readonly (int AsIs, int EveryGraph, int Cached) largest;
    readonly long floorBytes;

    PlanReport(RunConfig config, Func<string, DeviceMemory?> memoryOf, ProbeResult? measured)
    {
        (this.config, this.measured) = (config, measured);
        (algebra, plan, share) = (BatchAlgebra.Of(config), MemoryPlan.Of(config), DeviceShare.Of(config));
        memories = plan.Needs.ToDictionary(need => need.Device, need => memoryOf(need.Device));
        var search = new BatchSearch(config, Free);
        largest = (search.LargestBatch(), search.LargestWithEveryGraph(), search.LargestWithCache());
        floorBytes = MemoryPlan.Of(config with { Optimizer = config.Optimizer with { MicroBatch = 0 } }).Needs[0].TotalBytes;
        Fits = plan.Needs.All(need => Needed(need) <= MemoryPlan.LargestShare * Free(need.Device));
        if (algebra.Slip() is { } slip) warnings.Add(slip);
        if (Simulated().ToArray() is { Length: > 0 } madeUp)
            warnings.Add($"{string.Join(", ", madeUp)} {(madeUp.Length == 1 ? "is" : "are")} SIMULATED: what is free there is made up, and nothing can be trained there");
        if (config.Devices[0] != MemoryPlan.Host)
        {
            warnings.Add(measured is null
                ? "memory of a GPU is computed, not measured: the GPU build has not been run by its developers; on the box itself --probe measures"
                : "the probe has not been seen on a GPU by its developers: compare it with nvidia-smi while a run goes");
        }

        if (RunConfigRules.Slow(config) is { } slow) warnings.Add(slow);
        if (Fits is false && MemoryPlan.Of(config, snapshots: 1).Fits(Free)) warnings.Add("it fits with one snapshot in memory instead of two: a run starts with that, and says so");
    }

    public bool Fits { get; }

    /// <param name="memoryOf">Null: not looked at, whatever is needed there.</param>
    public static PlanReport Of(RunConfig config, Func<string, DeviceMemory?> memoryOf, ProbeResult? measured) => new(config, memoryOf, measured);

    public void Show(TextWriter output)
    {
        void Line(FormattableString text) => output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
        output.WriteLine(algebra.Sentence());
        output.WriteLine($"{ConsoleReport.Graphs(BatchAlgebra.Split(config), (int)share.HeldClips)}; precision {Precision.Describe(config)}");
        foreach (var alike in plan.Needs.GroupBy(need => (need.TotalBytes, memories[need.Device])))
        {
            var need = alike.First();
            output.WriteLine($"{Named(need)}{string.Concat(alike.Skip(1).Select(other => ", " + other.Device))}{Text(memories[need.Device])}");
            foreach (var (part, bytes) in need.Parts) Line($"  {part,-12} {bytes / Gibi,9:F2} GiB");
            Line($"  {"total",-12} {need.TotalBytes / Gibi,9:F2} GiB");
        }

        if (measured is not null)
        {
            Line($"probe: a micro-batch of {measured.SmallClips:N0} clips took {measured.Small.Bytes / Gibi:F2} GiB, one of {measured.LargeClips:N0} took {measured.Large.Bytes / Gibi:F2} GiB{Where(measured.Large)}; from that this one of {share.GroupSize:N0} takes {measured.PredictedBytes / Gibi:F2} GiB (formula: {plan.Needs[0].TotalBytes / Gibi:F2} GiB)");
        }

        foreach (var need in plan.Needs.Where(need => memories[need.Device] is not null))
        {
            var fits = Needed(need) <= MemoryPlan.LargestShare * Free(need.Device);
            Line($"{need.Device} {(fits ? "fits" : "does NOT fit")}: it needs {Needed(need) / Gibi:F2} GiB, and {MemoryPlan.LargestShare * Free(need.Device) / Gibi:F2} GiB may be used ({MemoryPlan.LargestShare:P0} of what is free)");
        }

        output.WriteLine(largest.AsIs == 0 ? "not even one video fits" : $"largest that fits: {Size(largest.AsIs)}");
        output.WriteLine($"  with every graph held: {Size(largest.EveryGraph)}; with the gradient cache (micro_batch 0): {Size(largest.Cached)}");
        Line($"  floor of this batch, set by the BatchNorm group of {share.GroupSize:N0} clips: {floorBytes / Gibi:F2} GiB");
        foreach (var warning in warnings) output.WriteLine($"warning: {warning}");
    }

    public JsonObject ToJson()
    {
        var result = new JsonObject
        {
            ["clips_per_step"] = algebra.ClipsPerStep,
            ["clips_per_device"] = algebra.ClipsPerDevice,
            ["precision"] = Precision.Active(config),
            ["devices"] = new JsonArray([.. plan.Needs.Where(need => need.Replicas > 0).Select(need => (JsonNode)ToJson(need))]),
            ["fits"] = Fits,
            ["largest_that_fits"] = Clips(largest.AsIs),
            ["largest_batch_size"] = largest.AsIs,
            ["largest_with_every_graph"] = Clips(largest.EveryGraph),
            ["largest_with_cache"] = Clips(largest.Cached),
            ["cache"] = new JsonObject { ["batchnorm_group"] = share.GroupSize, ["held_clips"] = share.HeldClips, ["encoded_twice"] = share.EncodedTwice, ["floor_bytes"] = floorBytes },
            ["warnings"] = new JsonArray([.. warnings.Select(warning => (JsonNode)warning)]),
        };
        if (plan.Needs.FirstOrDefault(need => need.Replicas == 0) is { } host) result["host"] = ToJson(host);
        if (measured is not null)
        {
            result["probe"] = new JsonObject
            {
                ["small_clips"] = measured.SmallClips, ["small_bytes"] = measured.Small.Bytes,
                ["large_clips"] = measured.LargeClips, ["large_bytes"] = measured.Large.Bytes, ["predicted_bytes"] = measured.PredictedBytes,
                ["device"] = measured.Large.Device,
                ["source"] = measured.Large.Source switch { PeakSource.Resident => "resident", PeakSource.Process => "process_on_board", _ => "growth_of_board" },
            };
        }

        return result;
    }

    JsonObject ToJson(MemoryNeed need) => new()
    {
        ["name"] = need.Device,
        ["replicas"] = need.Replicas,
        ["total_bytes"] = need.TotalBytes,
        ["parts"] = new JsonObject(need.Parts.Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))),
        ["memory"] = memories[need.Device]?.Name,
        ["memory_bytes"] = memories[need.Device]?.TotalBytes,
        ["free_bytes"] = memories[need.Device]?.FreeBytes,
        ["simulated"] = memories[need.Device]?.Simulated,
    };

    /// <summary>What was measured counts more than the formula, where it was measured; of several boards the fullest stands for each.</summary>
    long Needed(MemoryNeed need) => need.Replicas > 0 && measured is not null ? measured.PredictedBytes : need.TotalBytes;

    IEnumerable<string> Simulated() => memories.Where(memory => memory.Value is { Simulated: true }).Select(memory => memory.Key);

    long Free(string device) => memories[device]?.FreeBytes ?? long.MaxValue;

    long Clips(int videos) => (long)videos * config.Data.NPair;

    string Size(int videos) => videos == 0 ? "none" : Text($"batch_size {videos:N0} videos x n_pair {config.Data.NPair:N0} = {Clips(videos):N0} clips a step");

    static string Where(ProbePeak peak) => peak.Source switch
    {
        PeakSource.Resident => "",
        PeakSource.Process => $" (its own, of {peak.Device}, the fullest board)",
        _ => $" (more of {peak.Device}, the fullest board, than was used before)",
    };

    static string Named(MemoryNeed need) => need.Replicas switch
    {
        0 => "host",
        1 => need.Device,
        var count => Text($"{need.Device} x {count}"),
    };

    static string Text(DeviceMemory? memory) => memory is null ? ", not looked at: a card elsewhere says nothing of the machine around it" : Text($", {memory.Name}: {memory.FreeBytes / Gibi:F1} GiB free of {memory.TotalBytes / Gibi:F1} GiB");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
