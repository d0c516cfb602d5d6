namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>The kernel's own lines: memory kills, crashes, disks, buses, heat.</summary>
static partial class Rules
{
    static IReadOnlyList<Rule> Kernel =>
    [
        Root(OomKill, "host-memory", "host", "no", Established, @"Memory cgroup out of memory|oom-kill:constraint=CONSTRAINT_MEMCG",
            "The kernel killed the worker: the control group's memory limit was reached", "Raise the limit, or lower read_ahead_bytes and batch_size"),
        Root(OomKillHost, "host-memory", "host", "no", Established, @"Out of memory: Kill(?:ed)? process|oom-kill:constraint=CONSTRAINT_|systemd-oomd.*Killed |earlyoom.*sending SIG",
            "The whole machine ran out of memory and a process was killed for it, perhaps for another's hunger", "Limit the others (memory.max), set oom_score_adj, or lower read_ahead_bytes and batch_size"),
        Root(KernelSegfault, "native-crash", "workload", "unknown", Supported, @"segfault at [0-9a-f]+ ip |traps: .*(?:general protection|trap |invalid opcode)|general protection fault",
            "Native code touched memory that is not its own; the kernel names the library", "Send in the report; the same library twice is a fault of it"),
        Root("kernel-read-only", "storage", "host", "no", Supported, @"Remounting filesystem read-only|Aborting journal|EXT4-fs error|XFS \(.*(?:Corruption|I/O Error|Shutting down)|BTRFS.*(?:forced readonly|critical)",
            "The kernel found a file system damaged and stopped writing to it", "Look at the disk's health (smartctl -a); restore elsewhere; fsck"),
        Root("disk-io-error", "storage", "host", "no", Supported,
            @"Buffer I/O error on dev|blk_update_request: .*error|I/O error, dev |critical medium error|md/raid.*Disk failure|nvme.*(?:timeout, reset|Device not ready|I/O .*timeout)|ata[0-9.]+: failed command",
            "A disk fails", "Look at the disk's health (smartctl -a: reallocated, pending); stop writing, restore elsewhere"),
        Root("nfs-stall", "storage", "host", "unknown", Supported, @"nfs: server .* not responding",
            "The server of a network file system did not answer", "Wait for it, or mend server and network; a task that waits for it cannot be killed")
            with { HealedBy = Pattern(@"nfs: server .* OK") },
        Root("task-blocked", "storage", "host", "unknown", Hypothesis, @"blocked for more than \d+ seconds",
            "A task stood still in the kernel, mostly for a disk", "Look at the disk and the network file system that it waits for (/proc/PID/wchan)"),
        Harmless("corrected-memory", "host", @"EDAC .*\bCE\b|corrected error|Corrected hardware error|mce: .*CMCI storm", "a memory error that was corrected: no data was harmed; many of them announce worse"),
        Harmless("cpu-throttled", "host", @"temperature above threshold, cpu clock throttled|temperature/speed normal", "the processor was slowed down for its heat; that makes a program slower, never ends it"),
        Root("machine-check", "host", "host", "no", Supported, @"mce: \[Hardware Error\]|EDAC .*\bUE\b|Uncorrected hardware memory error|Memory failure: 0x",
            "The host's memory or processor reports an error that it could not correct", "Stop using this machine; test its memory (rasdaemon, memtest)"),
        Root("thermal", "host", "host", "unknown", Supported, @"critical temperature reached|thermal.*shutting down", "The machine became too hot", "Mend the cooling; cap the power (nvidia-smi -pl)"),
        Root("pcie-fatal", "gpu-hardware", "gpu", "no", Supported, @"AER: .*Uncorrect(?:ed|able) \(Fatal\)|RmInitAdapter failed|nvswitch.*SXid",
            "The PCIe link, the adapter or the NVSwitch of a GPU failed", "Reseat the board, reboot; take the GPU out of use if it happens again"),
        Root("file-max", "limits", "host", "no", Supported, @"VFS: file-max limit \d+ reached", "The whole machine has as many files open as it allows", "Raise fs.file-max; find who keeps them open"),
        Root("host-rebooted", "host", "host", "yes", Supported, @"^-- (?:Reboot|Boot [0-9a-f]+) --|Kernel panic - not syncing|kernel: watchdog: BUG: soft lockup|systemd-shutdown\[",
            "The machine went down and started again", "Look for power, heat or a panic before it (journalctl -b -1, the board's event log); the run goes on from its checkpoint"),
    ];
}
