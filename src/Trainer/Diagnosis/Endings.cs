using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>A cause with the two answers that go with it.</summary>
sealed record Judgement(Cause Cause, string Where, string Retry);

/// <summary>What the end itself says, when no text says why.</summary>
static class Endings
{
    const int SigKill = 9;

    /// <summary>Whether signal or exit code name the cause as well as a line that only tells of an end. An abort never does.</summary>
    public static bool IsTelling(Evidence evidence) => evidence.Signal is not (null or 6)
        || evidence.ExitCode is ExitCodes.Usage or ExitCodes.Refused or ExitCodes.BadData or ExitCodes.Numerics or ExitCodes.Storage or ExitCodes.Stuck or ExitCodes.ProgramError;

    public static EvidenceLine LineOf(Evidence evidence) => new("exit", 0, (evidence.Signal, evidence.ExitCode) switch
    {
        ({ } signal, _) => $"ended by signal {signal} ({SignalNames.Of(signal)})",
        (_, { } code) => $"ended by itself with exit code {code}",
        _ => "the end was not seen",
    });

    public static Judgement Of(Evidence evidence)
    {
        var end = LineOf(evidence);
        Judgement Make(string rule, string kind, string where, string retry, string confidence, string title, string remedy, params EvidenceLine[] more) =>
            new(new Cause(rule, kind, title, confidence, [end, .. more], remedy), where, retry);

        if (evidence.Signal == SigKill && evidence.OutOfMemoryKills > 0)
        {
            return Make("oom-kill", "host-memory", "host", "no", "established", "The kernel killed the worker: the control group's memory limit was reached",
                "Raise the limit, or lower read_ahead_bytes and batch_size", new EvidenceLine("host", 0, $"oom_kill +{evidence.OutOfMemoryKills}"));
        }

        if (evidence.Signal == SigKill && Splits.MemoryPressure(evidence.Host) is { } pressure)
        {
            return Make("kill-under-pressure", "host-memory", "host", "no", "supported", "The worker was killed while memory was short",
                "Raise the limit, or lower read_ahead_bytes and batch_size", new EvidenceLine("host", 0, pressure));
        }

        // Looked at and nothing found is a sign; not looked at is none.
        var sawNoShortage = evidence.OutOfMemoryKills == 0 || evidence.Host.Count > 0;
        var (bus, busConfidence) = Splits.OfBusError(evidence);
        return (evidence.Signal, evidence.ExitCode) switch
        {
            (9, _) => Make("killed", "stopped", "host", "yes", sawNoShortage ? "supported" : "hypothesis", "Somebody killed the worker (SIGKILL); there is no sign of a memory shortage",
                "docker stop, systemd, an operator? It goes on from its last checkpoint"),
            (11, _) => Make("segfault", "native-crash", "workload", "unknown", "established", "Native code touched memory that is not its own (SIGSEGV)", "Send in the report; the same library twice is a fault of it"),
            (7, _) => Make("bus-error", bus, "host", "unknown", busConfidence, "A mapped page could not be provided (SIGBUS): /dev/shm full, or a mapped file that somebody cut", "host/ shows the free space of /dev/shm and the disks"),
            (6, _) => Make("abort", "native-crash", "workload", "unknown", "established", "The process aborted itself (SIGABRT) without saying why", "Send in the report; a C++ exception that nobody caught is the usual reason"),
            (15 or 2 or 1, _) => Make("terminated", "stopped", "host", "yes", "supported", "Somebody ended the worker by a signal", "docker stop, systemd, an operator?"),
            (24, _) => Make("cpu-time-limit", "limits", "host", "no", "established", "The limit of processor time was reached (SIGXCPU)", "ulimit -t unlimited"),
            (25, _) => Make("file-size-limit", "limits", "host", "no", "established", "The limit of a file's size was reached (SIGXFSZ)", "ulimit -f unlimited"),
            ({ } signal, _) => Make("signal", "native-crash", "workload", "unknown", "established", $"{SignalNames.Of(signal)} ended the worker", "Send in the report"),
            (_, ExitCodes.Done) => Make("no-failure", "unknown", "unknown", "yes", "unknown", "It ended by itself and without an error", "Nothing to mend; were fewer steps done than planned?"),
            (_, ExitCodes.Usage) => Make("configuration", "configuration", "workload", "no", "established", "The configuration is wrong", "logs/stderr.txt lists every mistake"),
            (_, ExitCodes.Refused) => Make("refused", "configuration", "host", "no", "established", "Another process holds the run, or its state does not allow it", "The last line of stderr says which"),
            (_, ExitCodes.BadData) => Make("bad-data", "data", "workload", "no", "established", "Input data is missing or damaged", "`data check` finds every such file"),
            (_, ExitCodes.Numerics) => Make("not-finite", "numerics", "workload", "no", "established", "The loss is no number any more", "Lower optimizer.lr"),
            (_, ExitCodes.DeviceMemory) => Make("cuda-out-of-memory", "gpu-memory", "workload", "no", "established", "The GPU's memory does not suffice", "`plan` shows the largest batch that fits"),
            (_, ExitCodes.HostMemory) => Make("bad-alloc", "host-memory", "workload", "no", "established", "The host's memory does not suffice for one allocation", "Lower batch_size, or read_ahead_bytes"),
            (_, ExitCodes.DeviceLost) => Make("device-lost", "gpu-software", "unknown", "unknown", "hypothesis", "The GPU or its context was lost", "Look at nvidia-smi and dmesg | grep Xid"),
            (_, ExitCodes.Storage) => Make("storage-refused", "storage", "host", "no", "supported", "The disk refused: space, inodes, or read-only", "The last lines of stderr say which"),
            (_, ExitCodes.Stuck) => Make("stuck-rank", "hang", "unknown", "unknown", "established", "A replica stood still in the middle of a step; the others left",
                "Look at the device of the replica that the message names (nvidia-smi; dmesg | grep Xid: a GPU that fell off the bus stands still as well); ring/ shows the phase in which its lane ends"),
            (_, ExitCodes.ProgramError) => Make("exception", "program-error", "workload", "unknown", "established", "An exception that the program did not expect", "Send in the report"),
            (_, { } code) => Make("exit", "program-error", "workload", "unknown", "established", code > 128
                    ? $"The program itself left with exit code {code}: no signal was involved, whatever {code} - 128 means in a shell"
                    : $"The program left with exit code {code}", "The last lines of stderr say more"),
            _ when evidence.IsText => Make("no-sign", "unknown", "unknown", "unknown", "unknown", "Nothing in this text names a cause", "Look at how it ended (exit code, signal), at dmesg, and at the other processes' logs"),
            _ => Make("unseen", "unknown", "unknown", "yes", "hypothesis", "Nobody saw the end: worker and supervisor died together, or the machine went down", "Look for a restart of the machine at that time"),
        };
    }
}
