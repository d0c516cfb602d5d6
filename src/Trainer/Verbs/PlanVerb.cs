using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`plan`: what a batch_size means in clips, and what it needs in memory, before anything is started.</summary>
static class PlanVerb
{
    const double Gibi = 1L << 30;

    static readonly Option<FileInfo> Config = new("--config") { Description = "Configuration of the run (JSON)", Required = true };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object" };
    static readonly Option<double?> GpuMemory = new("--gpu-memory") { Description = "GiB of the card to plan for, all of it free, instead of the device in this machine" };
    static readonly Option<bool> Probe = new("--probe") { Description = "Also run two small batches in processes of their own and predict from what they took (CPU)" };

    public static Command Command()
    {
        var command = new Command("plan", "Batch algebra and memory of a configuration; exit code 1 when it does not fit") { Config, Set, Json, GpuMemory, Probe };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var file = arguments.GetRequiredValue(Config).FullName;
        var overrides = arguments.GetValue(Set) ?? [];
        var config = RunConfigFile.Read(file, overrides);
        var algebra = BatchAlgebra.Of(config);
        var plan = MemoryPlan.Of(config);
        var memory = arguments.GetValue(GpuMemory) is { } gib
            ? new DeviceMemory(string.Create(CultureInfo.InvariantCulture, $"a card of {gib:0.#} GiB (as asked for)"), (long)(gib * Gibi), (long)(gib * Gibi))
            : DeviceMemory.Of(config.Devices[0], TimeProvider.System);
        var measured = arguments.GetValue(Probe) ? MemoryProbe.Run(file, overrides, config) : null;
        var needed = measured?.PredictedBytes ?? plan.TotalBytes;
        var fits = needed <= MemoryPlan.LargestShare * memory.FreeBytes;
        var largest = MemoryPlan.LargestBatch(config, memory.FreeBytes);
        var warnings = Warnings(config, algebra);
        if (arguments.GetValue(Json)) Console.WriteLine(ToJson(algebra, plan, memory, measured, fits, largest, config, warnings).ToJsonString());
        else Show(algebra, plan, memory, measured, needed, fits, largest, config, warnings);
        return fits ? ExitCodes.Done : ExitCodes.Fails;
    }

    static List<string> Warnings(RunConfig config, BatchAlgebra algebra)
    {
        var warnings = new List<string>();
        if (algebra.Slip() is { } slip) warnings.Add(slip);
        if (config.Devices[0] != "cpu") warnings.Add("memory of a GPU is computed, not measured: this program's GPU build has not been run by its developers");
        return warnings;
    }

    static void Show(BatchAlgebra algebra, MemoryPlan plan, DeviceMemory memory, ProbeResult? measured, long needed, bool fits, int largest, RunConfig config, List<string> warnings)
    {
        Console.WriteLine(algebra.Sentence());
        Console.WriteLine(Text($"{plan.Device}, {memory.Name}: {memory.FreeBytes / Gibi:F1} GiB free of {memory.TotalBytes / Gibi:F1} GiB"));
        foreach (var (part, bytes) in plan.Parts) Console.WriteLine(Text($"  {part,-12} {bytes / Gibi,9:F2} GiB"));
        Console.WriteLine(Text($"  {"total",-12} {plan.TotalBytes / Gibi,9:F2} GiB"));
        if (measured is not null)
        {
            Console.WriteLine(Text($"probe: {measured.SmallClips:N0} clips took {measured.SmallBytes / Gibi:F2} GiB, {measured.LargeClips:N0} took {measured.LargeBytes / Gibi:F2} GiB; ")
                + Text($"from that {algebra.ClipsPerStep:N0} clips take {measured.PredictedBytes / Gibi:F2} GiB"));
        }

        Console.WriteLine(Text($"{(fits ? "fits" : "does NOT fit")}: {needed / Gibi:F2} GiB of {MemoryPlan.LargestShare:P0} of {memory.FreeBytes / Gibi:F1} GiB"));
        Console.WriteLine(largest == 0
            ? "not even one video fits"
            : Text($"largest that fits: batch_size {largest:N0} videos x n_pair {config.Data.NPair:N0} = {(long)largest * config.Data.NPair:N0} clips a step"));
        foreach (var warning in warnings) Console.WriteLine($"warning: {warning}");
    }

    static JsonObject ToJson(BatchAlgebra algebra, MemoryPlan plan, DeviceMemory memory, ProbeResult? measured, bool fits, int largest, RunConfig config, List<string> warnings)
    {
        var result = new JsonObject
        {
            ["clips_per_step"] = algebra.ClipsPerStep,
            ["clips_per_device"] = algebra.ClipsPerDevice,
            ["devices"] = new JsonArray(new JsonObject
            {
                ["name"] = plan.Device,
                ["total_bytes"] = plan.TotalBytes,
                ["parts"] = new JsonObject(plan.Parts.Select(part => KeyValuePair.Create(part.Key, (JsonNode?)part.Value))),
                ["memory"] = memory.Name,
                ["memory_bytes"] = memory.TotalBytes,
                ["free_bytes"] = memory.FreeBytes,
            }),
            ["fits"] = fits,
            ["largest_that_fits"] = (long)largest * config.Data.NPair,
            ["largest_batch_size"] = largest,
            ["warnings"] = new JsonArray([.. warnings.Select(warning => (JsonNode)warning)]),
        };
        if (measured is not null)
        {
            result["probe"] = new JsonObject
            {
                ["small_clips"] = measured.SmallClips, ["small_bytes"] = measured.SmallBytes,
                ["large_clips"] = measured.LargeClips, ["large_bytes"] = measured.LargeBytes, ["predicted_bytes"] = measured.PredictedBytes,
            };
        }

        return result;
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
