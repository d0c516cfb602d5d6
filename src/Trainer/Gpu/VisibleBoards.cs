using System.Globalization;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// Which board of the machine a configuration's `cuda:N` is. NVML counts boards in the order of the bus, as CUDA does under
/// CUDA_DEVICE_ORDER=PCI_BUS_ID (and among boards of one kind); CUDA_VISIBLE_DEVICES is followed. Pure.
/// </summary>
static class VisibleBoards
{
    const string Cuda = "cuda:";

    /// <summary>CUDA_VISIBLE_DEVICES of this process; null: every board is seen, empty: none is.</summary>
    public static string? FromEnvironment => Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES");

    /// <returns>NVML's index of the board, or how its uuid begins; null: it is hidden.</returns>
    public static string? NameOf(string device, string? visible)
    {
        var number = int.Parse(device.AsSpan(Cuda.Length), CultureInfo.InvariantCulture);
        return visible is not null ? visible.Split(',').ElementAtOrDefault(number)?.Trim() : number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The board among those that NVML found; null: it is none of them (hidden, a MIG instance, a number too large).</summary>
    public static GpuReading? Find(IEnumerable<GpuReading> boards, string device, string? visible) => NameOf(device, visible) switch
    {
        null or "" => null,
        var name when int.TryParse(name, CultureInfo.InvariantCulture, out var index) => boards.FirstOrDefault(board => board.Index == index),
        var name => boards.FirstOrDefault(board => board.Uuid.StartsWith(name, StringComparison.OrdinalIgnoreCase)),
    };
}
