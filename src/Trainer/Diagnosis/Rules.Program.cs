namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>Numerics, configuration, stops that somebody wanted, and what replicas say of each other.</summary>
static partial class Rules
{
    static IReadOnlyList<Rule> Program =>
    [
        Root("not-finite", "numerics", "workload", "no", Established,
            @"\bloss\b\W*(?:is |=|:)?\W*(?:NaN|-?inf(?:inity)?\b|[-]?∞)|returned nan values|non-?finite (?:loss|gradient)|(?:loss|gradient)s? (?:is|are|became) (?:nan|not finite|non-finite)|grad(?:ient)?[ _]?norm\W+(?:nan|inf)\b",
            "The loss is no number any more", "Lower optimizer.lr, or look for non-finite input with `data check`"),
        Root("text-stopped", "stopped", "host", "yes", Established, @"CANCELLED AT|DUE TO (?:TIME LIMIT|PREEMPTION)|Received SIGTERM|KeyboardInterrupt|received signal 15|docker stop",
            "Somebody or the scheduler ended it", "It can go on from its last checkpoint"),
        Root("bad-arguments", "configuration", "workload", "no", Established, @"error: (?:unrecognized arguments|the following arguments are required|argument .*: (?:invalid|expected))|JSONDecodeError|yaml\.(?:scanner|parser)\.|unknown key",
            "The command line or the configuration is wrong", "The line says what it expected"),
        Root("shape-mismatch", "program-error", "workload", "no", Supported,
            @"shapes cannot be multiplied|must match the size of tensor|Expected all tensors to be on the same device|Sizes of tensors must match|size mismatch, m1|expected scalar type",
            "The tensors of one operation do not fit together", "Compare the shapes in the line with the configuration and the data"),
        Root("stuck-replica", "hang", "unknown", "unknown", Supported, @"did not come to the exchange",
            "A replica stood still in the middle of a step; the others left", "Look at the device of the replica that the message names (nvidia-smi; dmesg | grep Xid)"),
        Root("collective-mismatch", "program-error", "workload", "no", Established, @"Detected mismatch between collectives|mismatched collective",
            "The replicas do not run the same steps: one took another path through the program", "Look for a batch that one of them skipped, or an early end"),
    ];

    static IReadOnlyList<Rule> Collective =>
    [
        Messenger("nccl-system-error", "unknown", "host", "unknown", Hypothesis, @"unhandled system error|ncclSystemError",
            "A call to the operating system failed inside NCCL; the lines NCCL WARN say which (shared memory, sockets, open files, locked memory)", "Run with NCCL_DEBUG=WARN and look at its lines; df /dev/shm"),
        Cascade("nccl-timeout", "hang", @"Watchdog caught collective operation timeout|collective operation timed? ?out|Timed out waiting \d+ms for (?:send|recv) operation",
            "A replica waited for the others in vain: a consequence of the one that stopped first", "Look for the replica that stopped first: its log, its device, the last step of each"),
        Cascade("nccl-cuda-error", "gpu-software", @"unhandled cuda error|ncclUnhandledCudaError", "NCCL repeats an error that CUDA had before: a consequence, not the cause", "Look for the first CUDA error of any replica; NCCL_DEBUG=WARN"),
        Cascade("nccl-remote", "unknown", @"remote process exited|ncclRemoteError|Connection (?:reset|closed) by (?:remote )?peer|socketProgress\S* .*Connection closed|Broken ?pipe",
            "Another replica was gone: a consequence of its end", "Look for the replica that ended first"),
        Cascade("nccl-abort", "unknown", @"NCCL communicator was aborted|Some NCCL operations have failed|taking the entire process down|watchdog thread terminated with exception",
            "The group of replicas was taken down after one had failed: a consequence", "Look for the first failure of any replica"),
        Cascade("siblings-ended", "unknown", @"closing signal SIG|ChildFailedError|exitcode ?: ?-15\b|DataLoader worker .* exited unexpectedly",
            "A launcher ended the other processes after one had failed: a consequence", "Look for the process that failed first"),
    ];
}
