using System.Globalization;
using System.Text.RegularExpressions;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>One text, several causes: the readings of the machine tell them apart. Pure.</summary>
static class Splits
{
    const double Scarce = 0.05;
    const double Full = 0.02;
    const double NoInodesLeft = 0.001;
    const double GpuFull = 0.97;
    const double Plenty = 0.2;
    const int Recent = 6;
    const string SharedMemory = "shm";

    static readonly Regex Path = new(@"/[^\s'"":,)]+", RegexOptions.NonBacktracking);

    /// <returns>The row, class and confidence that the readings leave; those of the text where they say nothing.</returns>
    public static (Rule Rule, string Class, string Confidence) Of(Observation seen, Evidence evidence, IReadOnlyList<Observation> all)
    {
        var rule = seen.Rule;
        return rule.Id switch
        {
            Rules.DiskFull => OfNoSpace(rule, seen.Line.Text, evidence),
            Rules.CannotAllocate => MemoryPressure(evidence.Host) is not null ? (rule, "host-memory", "supported")
                : HasPlenty(evidence.Host) ? (rule, "limits", "hypothesis") : (rule, rule.Class, rule.Confidence),
            Rules.BusErrorText => (rule, OfBusError(evidence).Class, OfBusError(evidence).Confidence),
            _ when rule is { Role: RuleRole.Messenger, Class: "gpu-software" } => OfMessenger(rule, evidence, all),
            _ => (rule, rule.Class, rule.Confidence),
        };
    }

    /// <summary>SIGBUS: shared memory that is full, else a mapped file that was cut.</summary>
    public static (string Class, string Confidence) OfBusError(Evidence evidence)
    {
        var shared = DisksOf(evidence).Where(disk => disk.Purpose == SharedMemory).ToList();
        return shared.Any(IsFull) ? ("shared-memory", "supported")
            : shared.Count > 0 && shared.All(disk => Share(disk.FreeBytes, disk.TotalBytes) > Plenty) ? ("storage", "hypothesis")
            : ("shared-memory", "hypothesis");
    }

    static (Rule Rule, string Class, string Confidence) OfMessenger(Rule rule, Evidence evidence, IReadOnlyList<Observation> all)
    {
        var signs = all.Where(other => other.Rule.Xids.Count > 0 && other.Rule != rule).Select(other => other.Rule).ToList();
        if (signs.Any(sign => sign.Role is RuleRole.Root or RuleRole.Note)) return (rule, "gpu-hardware", "supported");
        if (signs.Any(sign => sign.Class == "gpu-software")) return (rule, rule.Class, "supported");
        return rule.Id is Rules.CublasExecutionFailed or Rules.CudnnNotSupported && GpuMemory(evidence) > GpuFull ? (rule, "gpu-memory", "hypothesis") : (rule, rule.Class, rule.Confidence);
    }

    static (Rule Rule, string Class, string Confidence) OfNoSpace(Rule rule, string text, Evidence evidence)
    {
        var disks = DisksOf(evidence);
        if (disks.Count == 0) return (rule, rule.Class, rule.Confidence);
        var paths = Path.Matches(text).Select(match => match.Value).ToList();
        var named = disks.Where(disk => paths.Any(path => IsBelow(path, disk.Mount))).OrderByDescending(disk => disk.Mount.Length).Take(1).ToList();
        var suspects = named.Count > 0 ? named : disks;
        var certainty = named.Count > 0 ? "established" : "supported";
        if (suspects.FirstOrDefault(IsFull) is { } full) return full.Purpose == SharedMemory ? Other(Rules.SharedMemoryFull, certainty) : (rule, rule.Class, certainty);
        if (suspects.Any(disk => Share(disk.FreeInodes, disk.TotalInodes) < NoInodesLeft)) return Other(Rules.NoInodes, certainty);
        var last = evidence.Host[^1];
        return last.InotifyWatches >= last.InotifyWatchLimit ? Other(Rules.InotifyWatches, "hypothesis") : (rule, rule.Class, "hypothesis");
    }

    static (Rule Rule, string Class, string Confidence) Other(string id, string confidence) => (Rules.Of(id), Rules.Of(id).Class, confidence);

    static bool IsBelow(string path, string mount) => mount == "/" || path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal);

    public static bool IsFull(DiskReading disk) => Share(disk.FreeBytes, disk.TotalBytes) < Full;

    static IReadOnlyList<DiskReading> DisksOf(Evidence evidence) => evidence.Host.Count == 0 ? [] : evidence.Host[^1].Disks;

    /// <summary>Share in use of the fullest GPU, at the last sample that knows it; null: unknown.</summary>
    public static double? GpuMemory(Evidence evidence) =>
        evidence.Gpu.LastOrDefault(sample => sample.Gpus.Count > 0)?.Gpus.Max(gpu => Share(gpu.MemoryUsedBytes, gpu.MemoryTotalBytes));

    /// <summary>What was short in the last samples; null: nothing was, or nobody knows.</summary>
    public static string? MemoryPressure(IReadOnlyList<HostSample> samples)
    {
        foreach (var sample in samples.TakeLast(Recent))
        {
            if (Share(sample.MemoryAvailableBytes, sample.MemoryTotalBytes) is < Scarce) return Invariant($"{sample.MemoryAvailableBytes / 1e6:F0} MB of {sample.MemoryTotalBytes / 1e6:F0} MB available");
            if (Share(sample.CgroupLimitBytes - sample.CgroupUsedBytes, sample.CgroupLimitBytes) is < Scarce) return Invariant($"{sample.CgroupUsedBytes / 1e6:F0} MB used of the limit {sample.CgroupLimitBytes / 1e6:F0} MB");
        }

        return null;
    }

    static bool HasPlenty(IReadOnlyList<HostSample> samples) => samples.Count > 0 && Share(samples[^1].MemoryAvailableBytes, samples[^1].MemoryTotalBytes) > Plenty;

    public static double? Share(long? part, long? whole) => part is null || whole is null or 0 ? null : (double)part / whole;

    public static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
