namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>Xid errors, by the kernel's log and by NVML. Source of meanings and actions: NVIDIA's Xid catalogue.</summary>
static partial class Rules
{
    static IReadOnlyList<Rule> Xid =>
    [
        OfXid(RuleRole.Root, "xid-bus-loss", "gpu-hardware", "no", [79], "A GPU fell off the bus: link, power or heat",
            "Reboot, with power off; check power supply, slot and heat. Training can go on without this GPU", @"|fallen off the bus|GPU is lost"),
        OfXid(RuleRole.Root, "xid-ecc", "gpu-hardware", "unknown", [48, 64, 94, 95, 140, 171, 172], "A GPU has a memory error that it could not correct",
            "Reset the GPU (94: at the next pause); 64, or again after two reboots: have the board checked. A checkpoint of the last seconds before 95 is suspect"),
        OfXid(RuleRole.Root, "xid-nvlink", "gpu-hardware", "unknown", [74], "An error on the NVLink connection of a GPU",
            "Reset both GPUs; when it comes back, have the bridge reseated. NCCL_P2P_DISABLE=1 goes on without it"),
        OfXid(RuleRole.Root, "xid-firmware", "gpu-hardware", "no", [119, 120], "The firmware processor of a GPU (GSP) does not answer",
            "Reset the GPU, else reboot with power off; update the driver, or switch the GSP firmware off"),
        OfXid(RuleRole.Root, "xid-power", "gpu-hardware", "no", [54], "A GPU has no auxiliary power", "Check the power cables of the board"),
        OfXid(RuleRole.Root, "xid-stopped", "gpu-hardware", "no", [46, 62, 109, 110, 143, 158], "A GPU stopped working (time-out or halted controller)",
            "Reset the GPU; again after two reboots: have the board checked"),
        OfXid(RuleRole.Root, "xid-data", "gpu-hardware", "unknown", [11, 32, 69, 80], "Commands or data on the way to a GPU were damaged",
            "It goes on after a restart; when it comes back, suspect the PCIe link or the host's memory"),
        OfXid(RuleRole.Root, "xid-recovery", "gpu-hardware", "unknown", [154], "The driver asks for a recovery action of a GPU", "Do what the line \"Xid 154\" of the kernel's log says"),
        OfXid(RuleRole.Messenger, "xid-kernel-fault", "gpu-software", "unknown", [13, 31], "A GPU kernel faulted (illegal address or instruction), mostly software", Replay),
        OfXid(RuleRole.Messenger, "xid-watchdog", "gpu-software", "unknown", [8], "A GPU kernel ran longer than the watchdog allows", "Use a GPU that drives no display; again without one: reset the GPU"),
        OfXid(RuleRole.Note, "xid-remapped", "gpu-hardware", "yes", [63, 92, 156, 157, 160, 161], "A GPU marked memory for replacement; the running work is not harmed", "Reset the GPU at the next pause"),
        OfXid(RuleRole.Cascade, "xid-cascade", "unknown", "unknown", [43, 45], "The driver cleaned up after a process or an Xid before it: a consequence, not the cause", "Look at the Xid or the exit before it"),
    ];

    static Rule OfXid(RuleRole role, string id, string kind, string retry, int[] numbers, string title, string remedy, string other = "") =>
        new(id, kind, role, Pattern($@"NVRM: Xid \([^)]*\)[^:]*: (?:{string.Join('|', numbers)}),{other}"), title, role == RuleRole.Cascade ? "unknown" : "gpu", retry,
            role == RuleRole.Root || kind == "gpu-software" ? Supported : Hypothesis, remedy) { Xids = numbers };
}
