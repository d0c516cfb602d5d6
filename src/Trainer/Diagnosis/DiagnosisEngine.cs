using System.Globalization;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>
/// Evidence in, verdict out; pure. A text is an observation, not a verdict: harmless ones are ruled out with their reason, the most
/// specific root wins, readings sharpen or overrule it, and what could not be looked at is said.
/// </summary>
public static class DiagnosisEngine
{
    const int SigKill = 9;
    const int MostLines = 5;
    static readonly int[] HardwareXids = [48, 63, 64, 74, 79, 92, 94, 95];

    public static Verdict Judge(Evidence evidence)
    {
        var roots = new List<(Rule Rule, EvidenceLine Line)>();
        var ruledOut = new List<RuledOutCause>();
        foreach (var source in evidence.Texts)
        {
            for (var i = 0; i < source.Lines.Count; i++) Match(source.Lines[i], new EvidenceLine(source.Name, i + 1, source.Lines[i]), roots, ruledOut);
        }

        var (cause, where, retry) = CauseOf(evidence, roots);
        return new Verdict
        {
            Cause = cause,
            Where = where,
            Retry = retry,
            RuledOut = [.. ruledOut.DistinctBy(entry => (entry.Rule, entry.Text)), .. RuledOutByReadings(evidence, cause)],
            CouldNotCheck = [.. CouldNotCheck(evidence)],
        };
    }

    /// <summary>A line that a harmless rule explains proves nothing else.</summary>
    static void Match(string text, EvidenceLine line, List<(Rule Rule, EvidenceLine Line)> roots, List<RuledOutCause> ruledOut)
    {
        if (Rules.Texts.FirstOrDefault(rule => rule.Role == RuleRole.Harmless && rule.Pattern.IsMatch(text)) is { } harmless)
        {
            ruledOut.Add(new RuledOutCause(harmless.Id, harmless.Title, text));
            return;
        }

        roots.AddRange(Rules.Texts.Where(rule => rule.Role == RuleRole.Root && rule.Pattern.IsMatch(text)).Select(rule => (rule, line)));
    }

    static (Cause Cause, string Where, string Retry) CauseOf(Evidence evidence, List<(Rule Rule, EvidenceLine Line)> roots)
    {
        var end = EndLine(evidence);
        if (evidence.Hang is { } hang)
        {
            var title = "The worker stood still and was ended by the supervisor";
            return (new Cause("hang", "hang", title, "established", [new EvidenceLine("recorder", 0, hang)],
                "process/threads.txt shows where each thread waited; the phase says which part of the step"), "unknown", "unknown");
        }

        if (roots.Count > 0)
        {
            var rule = roots.MinBy(root => root.Rule.Rank).Rule;
            var lines = roots.Where(root => root.Rule == rule).Select(root => root.Line).DistinctBy(line => line.Text).Take(MostLines);
            var xids = XidsOf(evidence);
            var byXid = rule.Id == Rules.CublasExecutionFailed && xids.Count > 0;
            var hardware = byXid && xids.Any(xid => HardwareXids.Contains(xid));
            var cause = new Cause(rule.Id, hardware ? "gpu-hardware" : rule.Class, rule.Title, byXid ? "supported" : rule.Confidence,
                [.. lines, .. xids.Select(xid => new EvidenceLine("gpu", 0, $"Xid {xid}")), end], rule.Remedy);
            return (cause, hardware ? "gpu" : rule.Where, rule.Retry);
        }

        return OfEnd(evidence, end);
    }

    /// <summary>No text says why: what the end itself says.</summary>
    static (Cause Cause, string Where, string Retry) OfEnd(Evidence evidence, EvidenceLine end)
    {
        Cause Make(string rule, string kind, string title, string confidence, string remedy, params EvidenceLine[] more) =>
            new(rule, kind, title, confidence, [end, .. more], remedy);

        if (evidence.Signal == SigKill)
        {
            if (evidence.OutOfMemoryKills > 0)
            {
                return (Make("oom-kill", "host-memory", "The kernel killed the worker: the control group's memory limit was reached", "established",
                    "Raise the limit, or lower read_ahead_bytes and batch_size", new EvidenceLine("host", 0, $"oom_kill +{evidence.OutOfMemoryKills}")), "host", "no");
            }

            return MemoryPressure(evidence.Host) is { } pressure
                ? (Make("kill-under-pressure", "host-memory", "The worker was killed while memory was short", "supported",
                    "Raise the limit, or lower read_ahead_bytes and batch_size", new EvidenceLine("host", 0, pressure)), "host", "no")
                : (Make("killed", "stopped", "Somebody killed the worker (SIGKILL); there is no sign of a memory shortage", "supported",
                    "docker stop, systemd, an operator? It goes on from its last checkpoint"), "host", "yes");
        }

        return (evidence.Signal, evidence.ExitCode) switch
        {
            (11, _) => (Make("segfault", "native-crash", "Native code touched memory that is not its own (SIGSEGV)", "established", "Send in the report; the same library twice is a fault of it"), "workload", "unknown"),
            (7, _) => (Make("bus-error", "shared-memory", "A mapped page could not be provided (SIGBUS): /dev/shm full, or a mapped file that somebody cut", "hypothesis", "host/ shows the free space of /dev/shm and the disks"), "host", "unknown"),
            (6, _) => (Make("abort", "native-crash", "The process aborted itself (SIGABRT) without saying why", "established", "Send in the report; a C++ exception that nobody caught is the usual reason"), "workload", "unknown"),
            (15 or 2 or 1, _) => (Make("terminated", "stopped", "Somebody ended the worker by a signal", "supported", "docker stop, systemd, an operator?"), "host", "yes"),
            ({ } signal, _) => (Make("signal", "native-crash", $"{SignalNames.Of(signal)} ended the worker", "established", "Send in the report"), "workload", "unknown"),
            (_, ExitCodes.Usage) => (Make("configuration", "configuration", "The configuration is wrong", "established", "logs/stderr.txt lists every mistake"), "workload", "no"),
            (_, ExitCodes.BadData) => (Make("bad-data", "data", "Input data is missing or damaged", "established", "`data check` finds every such file"), "workload", "no"),
            (_, ExitCodes.Numerics) => (Make("not-finite", "numerics", "The loss is no number any more", "established", "Lower optimizer.lr"), "workload", "no"),
            (_, ExitCodes.Stuck) => (Make("stuck-rank", "hang", "A replica stood still in the middle of a step; the others left", "established",
                "Look at the device of the replica that the message names (nvidia-smi; dmesg | grep Xid: a GPU that fell off the bus stands still as well); ring/ shows the phase in which its lane ends"), "unknown", "unknown"),
            (_, ExitCodes.ProgramError) => (Make("exception", "program-error", "An exception that the program did not expect", "established", "Send in the report"), "workload", "unknown"),
            (_, { } code) => (Make("exit", "program-error", code > 128
                    ? $"The program itself left with exit code {code}: no signal was involved, whatever {code} - 128 means in a shell"
                    : $"The program left with exit code {code}", "established", "The last lines of stderr say more"), "workload", "unknown"),
            _ => (Make("unseen", "unknown", "Nobody saw the end: worker and supervisor died together, or the machine went down", "hypothesis", "Look for a restart of the machine at that time"), "unknown", "yes"),
        };
    }

    static EvidenceLine EndLine(Evidence evidence) => new("exit", 0, (evidence.Signal, evidence.ExitCode) switch
    {
        ({ } signal, _) => $"ended by signal {signal} ({SignalNames.Of(signal)})",
        (_, { } code) => $"ended by itself with exit code {code}",
        _ => "the end was not seen",
    });

    static IEnumerable<RuledOutCause> RuledOutByReadings(Evidence evidence, Cause cause)
    {
        if (evidence.Host.Count == 0) yield break;
        var last = evidence.Host[^1];
        if (cause.Class != "disk-space" && last.Disks.Count > 0 && last.Disks.All(disk => Share(disk.FreeBytes, disk.TotalBytes) is null or > 0.02))
        {
            var disks = string.Join(", ", last.Disks.Select(disk => Invariant($"{disk.Mount} {disk.FreeBytes / 1e9:F1} GB free")));
            yield return new RuledOutCause("disk-full", $"at the death: {disks}");
        }

        if (cause.Class != "host-memory" && MemoryPressure(evidence.Host) is null && last.MemoryAvailableBytes is { } available)
            yield return new RuledOutCause("host-memory", Invariant($"{available / 1e9:F1} GB of memory were available"));
    }

    static IEnumerable<Unchecked> CouldNotCheck(Evidence evidence)
    {
        if (!evidence.KernelLogRead) yield return new Unchecked("the kernel's log (memory kills, Xid texts, disk errors)", "docker: --device /dev/kmsg --cap-add SYSLOG; otherwise kernel.dmesg_restrict=0");
        if (evidence.OutOfMemoryKills is null) yield return new Unchecked("memory.events of the control group", "control groups version 2, mounted at /sys/fs/cgroup");
        if (evidence.Gpu.Count == 0 || evidence.Gpu.All(sample => sample.Unavailable is not null)) yield return new Unchecked("the GPUs (NVML)", "a driver; docker: --gpus all");
        if (evidence.Recorder is null) yield return new Unchecked("the flight recorder: the worker did not get far enough to open it", "nothing");
    }

    static IReadOnlyList<int> XidsOf(Evidence evidence) => [.. evidence.Gpu.SelectMany(sample => sample.Gpus).SelectMany(gpu => gpu.Xids).Distinct()];

    static string? MemoryPressure(IReadOnlyList<HostSample> samples)
    {
        const double scarce = 0.05;
        const int recent = 6;
        foreach (var sample in samples.TakeLast(recent))
        {
            if (Share(sample.MemoryAvailableBytes, sample.MemoryTotalBytes) is < scarce) return Invariant($"{sample.MemoryAvailableBytes / 1e6:F0} MB of {sample.MemoryTotalBytes / 1e6:F0} MB available");
            if (Share(sample.CgroupLimitBytes - sample.CgroupUsedBytes, sample.CgroupLimitBytes) is < scarce) return Invariant($"{sample.CgroupUsedBytes / 1e6:F0} MB used of the limit {sample.CgroupLimitBytes / 1e6:F0} MB");
        }

        return null;
    }

    static double? Share(long? part, long? whole) => part is null || whole is null or 0 ? null : (double)part / whole;

    static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
