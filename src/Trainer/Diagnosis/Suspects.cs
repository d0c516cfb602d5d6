using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>What it was not, with the reason, and what nobody could look at.</summary>
static class Suspects
{
    const int MostCascades = 3;
    const int MostRivals = 3;
    const double GpuRoom = 0.9;
    const int GpuCool = 85;

    public static IEnumerable<RuledOutCause> RuledOut(Evidence evidence, IReadOnlyList<Observation> seen, Observation? chosen, Cause cause)
    {
        var harmless = seen.Where(one => one.Rule.Role == RuleRole.Harmless);
        // A consequence is one only where there is something that it can follow from.
        var cascades = cause.Confidence is "established" or "supported"
            ? seen.Where(one => one is { Rule.Role: RuleRole.Cascade, IsPast: false } && one.Rule != chosen?.Rule).DistinctBy(one => one.Rule).Take(MostCascades) : [];
        var past = seen.Where(one => one is { IsPast: true, Rule.Role: RuleRole.Root or RuleRole.Messenger }).DistinctBy(one => one.Rule).Take(MostRivals);
        return
        [
            .. harmless.Concat(cascades).Select(one => new RuledOutCause(one.Rule.Id, one.Rule.Title, one.Line.Text)).DistinctBy(entry => (entry.Rule, entry.Text)),
            .. past.Select(one => new RuledOutCause(one.Rule.Id, $"training went on after it ({Place(one)}: {one.Line.Text.Trim()})")),
            .. chosen is null ? [] : RivalsOf(chosen, cause.Class, seen).Select(one => new RuledOutCause(one.Rule.Id, $"it came after the cause ({Place(one)}: {one.Line.Text.Trim()})")),
            .. ByReadings(evidence, seen, cause),
        ];
    }

    /// <summary>Other causes that were said later in the same end.</summary>
    public static IReadOnlyList<Observation> RivalsOf(Observation chosen, string kind, IReadOnlyList<Observation> seen) => chosen.Rule.Role != RuleRole.Root ? []
        : [.. seen.Where(one => one is { Rule.Role: RuleRole.Root, IsPast: false, IsWeak: false, IsOfMachine: false } && one.Line.Source == chosen.Line.Source
            && one.Line.Line > chosen.Line.Line && one.Rule.Class != kind && one.Rule.Class != chosen.Rule.Class).DistinctBy(one => one.Rule).Take(MostRivals)];

    static string Free(DiskReading disk) => Splits.Invariant($"{disk.Mount} {disk.FreeBytes / 1e9:F1} GB free")
        + (disk.TotalInodes > 0 ? Splits.Invariant($" and {disk.FreeInodes} inodes") : "");

    static string Place(Observation one) => $"{one.Line.Source}:{one.Line.Line}";

    static IEnumerable<RuledOutCause> ByReadings(Evidence evidence, IReadOnlyList<Observation> seen, Cause cause)
    {
        if (evidence.Host.Count > 0)
        {
            var last = evidence.Host[^1];
            if (cause.Class is not ("disk-space" or "inodes") && last.Disks.Count > 0 && !last.Disks.Any(Splits.IsFull))
            {
                var disks = string.Join(", ", last.Disks.Select(Free));
                yield return new RuledOutCause(Rules.DiskFull, $"at the death: {disks}");
            }

            if (cause.Class is not ("host-memory" or "limits") && Splits.MemoryPressure(evidence.Host) is null && last.MemoryAvailableBytes is { } available)
                yield return new RuledOutCause("host-memory", Splits.Invariant($"{available / 1e9:F1} GB of memory were available"));
        }

        if (cause.Class is not ("gpu-software" or "gpu-hardware" or "native-crash")) yield break;
        if (Splits.GpuMemory(evidence) is { } used and < GpuRoom) yield return new RuledOutCause("cuda-out-of-memory", Splits.Invariant($"{used:P0} of the fullest GPU's memory was in use"));
        if (evidence.Gpu.SelectMany(sample => sample.Gpus).Max(gpu => gpu.TemperatureCelsius) is { } hottest and < GpuCool) yield return new RuledOutCause("gpu-heat", $"the hottest GPU had {hottest} °C");
        if (cause.Class == "gpu-software" && evidence.KernelLogRead && !seen.Any(one => one.Rule.Xids.Count > 0)) yield return new RuledOutCause("gpu-hardware", "no Xid by NVML, none in the kernel's log");
    }

    public static IEnumerable<Unchecked> CouldNotCheck(Evidence evidence)
    {
        if (evidence.IsText)
        {
            yield return new Unchecked("exit code, kernel's log, readings of host and GPU: this is text only", "nothing for a log of long ago; for one of today, look at `dmesg -T` as well (diagnose takes it too)");
            yield break;
        }

        if (!evidence.KernelLogRead) yield return new Unchecked("the kernel's log (memory kills, Xid texts, disk errors)", "docker: --device /dev/kmsg --cap-add SYSLOG; otherwise kernel.dmesg_restrict=0");
        if (evidence.OutOfMemoryKills is null) yield return new Unchecked("memory.events of the control group", "control groups version 2, mounted at /sys/fs/cgroup");
        if (evidence.Gpu.Count == 0 || evidence.Gpu.All(sample => sample.Unavailable is not null)) yield return new Unchecked("the GPUs (NVML)", "a driver; docker: --gpus all");
        if (evidence.Recorder is null) yield return new Unchecked("the flight recorder: the worker did not get far enough to open it", "nothing");
    }
}
