using System.Globalization;
using Mcn.Web.Trainer.Gpu;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>One board: reachable, free, cool, sound. Pure; thresholds of heat and memory are those of the alerts.</summary>
/// <param name="wanted">Boards are to compute: one that cannot is a fail.</param>
sealed class BoardChecks(BoardHealth board, bool wanted, bool simulated)
{
    /// <summary>What the driver keeps for itself is less.</summary>
    static long OthersMatter(long total) => Math.Max(1L << 30, total / 25);

    static readonly (ulong Bit, string Text)[] Slow =
    [
        (Nvml.HardwareSlowdown, "hardware slowdown"), (Nvml.ThermalSlowdown, "heat"), (Nvml.HardwareThermal, "heat, by hardware"), (Nvml.PowerBrake, "power brake"),
    ];

    public IEnumerable<Check> Judge()
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"gpu-{board.Reading.Index}");
        yield return JudgeBoard(new(id, "a board that answers, with its memory free, cool, at full clocks"));
        if (!board.Lost) yield return JudgeMemoryErrors(new(id + "-memory-errors", "no uncorrectable memory error, no row that waits or could not be replaced"));
    }

    Check JudgeBoard(Precondition one)
    {
        var number = board.Reading.Index;
        if (board.Lost) return one.Bad(wanted, $"lost: the driver counts it and cannot reach it{Label}", "Reboot with power off, check slot, supply and heat (sudo dmesg | grep -i xid); until then train on the others (devices, CUDA_VISIBLE_DEVICES)");
        if (board.ComputeMode == Nvml.ComputeProhibited) return one.Bad(wanted, Found() + ", nobody may compute on it", $"sudo nvidia-smi -i {number} -c DEFAULT");
        if (board.ComputeMode == Nvml.ComputeExclusive && board.Processes.Count > 0) return one.Bad(wanted, Found() + ", exclusive and taken", $"sudo nvidia-smi -i {number} -c DEFAULT");
        var bad = GpuRules.Judge(board.Reading, simulated).Where(finding => finding.Health == Health.Bad).Select(finding => finding.Code).ToHashSet();
        if (bad.Contains("gpu_hot")) return one.Warning(Found(), $"Check fans, filters and the room; until then lower its power: sudo nvidia-smi -i {number} -pl 250");
        var slow = Slow.Where(reason => (board.Throttle & reason.Bit) > 0).Select(reason => reason.Text).ToList();
        if (slow.Count > 0) return one.Warning($"{Found()}, slowed down ({string.Join(", ", slow)})", $"Check cooling and power supply: nvidia-smi -i {number} -q -d PERFORMANCE,TEMPERATURE,POWER");
        if (board.Reading.MemoryUsedBytes is not { } used || board.Reading.MemoryTotalBytes is not { } total) return one.Unknown(Found() + ", it does not tell its memory", $"nvidia-smi -i {number} -q -d MEMORY (a MIG board tells it by instance)");
        // In a container the driver may tell no process, and somebody holds it all the same.
        if (bad.Contains("gpu_memory_high") || used > OthersMatter(total))
            return one.Warning(Found(), "If that is no run of yours, end it (nvidia-smi shows whose it is), or leave this board out of devices; ./mcn plan --config FILE says what fits beside it");
        return one.Ok(Found());
    }

    string Found()
    {
        var reading = board.Reading;
        var parts = new List<string> { reading.Name.Length > 0 ? reading.Name + Label : "a board without a name" + Label };
        if (reading is { MemoryUsedBytes: { } used, MemoryTotalBytes: { } total }) parts.Add($"{Size(used)} of {Size(total)} in use");
        if (board.Processes.Count > 0) parts.Add($"by {string.Join(", ", board.Processes.OrderBy(one => one.Key).Select(one => FormattableString.Invariant($"process {one.Key}") + (one.Value is { } bytes ? $" ({Size(bytes)})" : "")))}");
        if (reading.TemperatureCelsius is { } celsius) parts.Add($"{celsius} °C");
        if ((board.Throttle & Nvml.PowerCap) > 0) parts.Add("at its power limit");
        return string.Join(", ", parts);
    }

    Check JudgeMemoryErrors(Precondition one)
    {
        var reset = $"Reset it while nothing computes: sudo nvidia-smi --gpu-reset -i {board.Reading.Index}; when it comes back, have the board checked";
        return board switch
        {
            { Rows.Failed: true } => one.Bad(wanted, $"a row could not be replaced{Label}", "Have the board replaced (NVIDIA counts this as a reason); until then leave it out of devices"),
            { UncorrectedErrors: > 0 and var errors } => one.Warning($"{errors} uncorrectable errors since the driver was loaded{Label}", reset),
            { Rows.Pending: true } => one.Warning($"a row waits for its replacement{Label}", reset),
            { Rows: null, UncorrectedErrors: null } => one.Unknown($"this board or driver does not tell{Label}", $"nvidia-smi -i {board.Reading.Index} -q -d ECC,ROW_REMAPPER"),
            _ => one.Ok($"none{Label}"),
        };
    }

    /// <summary>One check for all: what mends one mends the others.</summary>
    public static Check JudgePersistence(GpuBox box)
    {
        var one = new Precondition("gpu-persistence", "persistence mode: without it the driver unloads between runs, and a start takes seconds a board");
        var label = box.Simulated ? " (simulated)" : "";
        var off = box.Boards.Where(board => board.Persists == false).Select(board => Number(board.Reading.Index)).ToList();
        if (off.Count > 0) return one.Warning($"off on {string.Join(", ", off)}{label}", "sudo systemctl enable --now nvidia-persistenced, or sudo nvidia-smi -pm 1");
        return box.Boards.All(board => board.Persists is null) ? one.Unknown($"the driver does not tell{label}", "nvidia-smi -q | grep -i persistence") : one.Ok($"on{label}");
    }

    string Label => simulated ? " (simulated)" : "";
}
