using System.Text.Json.Nodes;
using Mcn.Web.Trainer.Planning;

namespace Mcn.Web.Bench;

/// <summary>The GPUs of a measurement with the memory that is used of them, by whomever; none for the CPU. libtorch gives nothing back: after the last step it is the most.</summary>
static class Boards
{
    /// <returns>`name` and `used_bytes` of each.</returns>
    public static JsonArray Read(IEnumerable<string> devices) => [.. devices.Distinct().Where(device => device != MemoryPlan.Host)
        .Select(device => DeviceMemory.Of(device, TimeProvider.System))
        .Select(memory => new JsonObject { ["name"] = memory.Name, ["used_bytes"] = memory.TotalBytes - memory.FreeBytes })];

    /// <summary>Bytes by which the use of that board has grown that grew most.</summary>
    public static double MostGrowth(JsonArray before, JsonArray after) =>
        before.Zip(after, (was, now) => (double)now!["used_bytes"]! - (double)was!["used_bytes"]!).Max();

    /// <summary>Of the fullest; null: there is none.</summary>
    public static double? MostMegabytes(JsonNode? boards) =>
        boards?.AsArray() is { Count: > 0 } all ? all.Max(board => (double)board!["used_bytes"]!) / 1e6 : null;
}
