using System.Globalization;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// The most that a process takes of each of some boards, from readings while it lives. What NVML says of the process itself counts: nobody
/// else's memory is in it. In a container NVML may tell processes by ids of the host; then the only one that came is it. Where NVML tells no
/// process, what is used of the board beyond what was used before counts, and that must be as before again in the end. libtorch's caching
/// allocator gives nothing back, so readings some way apart miss nothing but the last moment. Pure.
/// </summary>
/// <param name="before">Of each board, before the process began.</param>
public sealed class BoardPeak(IReadOnlyList<BoardReading> before)
{
    /// <summary>Less than a CUDA context takes. What the driver takes for itself moves within it.</summary>
    public const long Noise = 64L << 20;

    const double Mebi = 1L << 20;

    readonly long[] growth = new long[before.Count];
    readonly Dictionary<int, long>[] newcomers = [.. before.Select(_ => new Dictionary<int, long>())]; // by process id; 0 bytes: not told

    /// <param name="now">Of the same boards, while the process lives.</param>
    public void See(IReadOnlyList<BoardReading> now)
    {
        for (var i = 0; i < growth.Length; i++)
        {
            growth[i] = Math.Max(growth[i], now[i].UsedBytes - before[i].UsedBytes);
            foreach (var (id, bytes) in now[i].Processes.Where(process => !before[i].Processes.ContainsKey(process.Key)))
                newcomers[i][id] = Math.Max(newcomers[i].GetValueOrDefault(id), bytes ?? 0);
        }
    }

    /// <summary>Whether as much is used of each board as before.</summary>
    public bool IsAsBefore(IReadOnlyList<BoardReading> now) => now.Zip(before).All(pair => Math.Abs(pair.First.UsedBytes - pair.Second.UsedBytes) <= Noise);

    /// <summary>Of the board of which the process took most: the plan counts every rank as the fullest one.</summary>
    /// <param name="process">Its id.</param>
    /// <param name="after">Of the same boards, when it is gone.</param>
    /// <exception cref="UserError">It cannot be told from others, or took nothing of a board.</exception>
    public ProbePeak Fullest(int process, IReadOnlyList<BoardReading> after) =>
        Enumerable.Range(0, growth.Length).Select(board => Of(board, process, after[board])).MaxBy(peak => peak.Bytes)!;

    ProbePeak Of(int board, int process, BoardReading after)
    {
        var (device, came) = (before[board].Device, newcomers[board]);
        if (!came.TryGetValue(process, out var own) && came.Count > 1)
            throw Unclear($"{came.Count} processes came onto {device} while the run was on it", "one, the run's own");
        if (own == 0 && came.Count == 1) own = came.Values.Single();
        if (own == 0 && Math.Abs(after.UsedBytes - before[board].UsedBytes) > Noise)
            throw Unclear(string.Create(CultureInfo.InvariantCulture, $"{before[board].UsedBytes / Mebi:F0} MiB of {device} were in use before the run and {after.UsedBytes / Mebi:F0} MiB are after it"),
                "the same: another process came, grew or ended meanwhile");
        var peak = own > 0 ? new ProbePeak(own, device, PeakSource.Process) : new ProbePeak(growth[board], device, PeakSource.Board);
        return peak.Bytes > Noise ? peak : throw new UserError("--probe", $"the run took nothing of {device} that NVML shows", "a replica on each device",
            "CUDA may number the boards otherwise: set CUDA_DEVICE_ORDER=PCI_BUS_ID");
    }

    static UserError Unclear(string found, string expected) => new("--probe", found, expected, "Probe while nobody else uses the board, or plan without --probe");
}
