namespace Mcn.Web.Trainer.Gpu;

/// <summary>What the commoner Xid errors say and what to do, in a sentence each; the diagnosis of a crash knows more.</summary>
/// <remarks>Source: NVIDIA's Xid catalogue (docs.nvidia.com/deploy/xid-errors).</remarks>
public static class XidMeanings
{
    const string Restart = "The process on it dies and is restarted; when it comes back on the same GPU only, suspect the board.";
    const string Reset = "Hold the run and reset the GPU (nvidia-smi --gpu-reset) or reboot; when it comes back, have the board checked.";

    public static (string Meaning, string Remedy) Of(int xid) => xid switch
    {
        13 => ("a kernel faulted (out of range or illegal instruction), mostly software", Restart),
        31 => ("a kernel read or wrote an illegal address, mostly software", Restart),
        43 or 45 => (
            "its work was stopped after an application's fault; mostly the echo of another error",
            "Look at the Xid or the exit before it."),
        48 => ("an uncorrectable memory error (double-bit ECC)", Reset),
        63 => ("a memory row was marked for replacement; the running work is not harmed", "Reset the GPU at the next pause."),
        64 => ("a memory row could not be replaced", Reset),
        74 => ("an error on the NVLink connection", "Reset both GPUs; when it comes back, have the bridge reseated."),
        79 => (
            "it has fallen off the bus",
            "Reboot, with power off; check power supply, slot and heat. Training can go on without this GPU."),
        92 => ("many corrected memory errors", "Watch it; when uncorrected ones follow, have the board checked."),
        94 => (
            "an uncorrectable memory error, contained to one process",
            "The run goes on from its checkpoint; reset the GPU at the next pause."),
        95 => ("an uncorrectable memory error, not contained", Reset),
        119 or 120 => ("its firmware processor (GSP) does not answer", "Reset the GPU, else reboot with power off; update the driver."),
        154 => ("the driver asks for a recovery action", "See the line \"Xid 154\" in the kernel log (dmesg) and do what it says."),
        _ => ("see NVIDIA's Xid catalogue", "Look into the kernel log (dmesg | grep Xid)."),
    };
}
