using System.Text.RegularExpressions;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>The table of texts. One row a text; what needs readings besides text is in the engine.</summary>
static class Rules
{
    /// <summary>Messengers: the text reports a fault that happened in an earlier kernel. Readings may say more.</summary>
    public const string CublasExecutionFailed = "cublas-execution-failed";

    public const string UcxInotify = "ucx-inotify-watch";

    public static IReadOnlyList<Rule> Texts { get; } =
    [
        new(UcxInotify, "inotify", RuleRole.Harmless, 0, Of(@"vfs_fuse\.c:\d+.*UCX\s+ERROR\s+inotify_add_watch\(.*\) failed"),
            "not about disk space: the quota of inotify watches of this user is used up. A helper thread of UCX only waits for an optional "
            + "monitoring daemon there, gives up and ends; it cannot break a computation. UCX_VFS_ENABLE=n removes the line, "
            + "fs.inotify.max_user_watches=1048576 on the host the shortage",
            "host", "yes", "established", ""),
        new("cuda-out-of-memory", "gpu-memory", RuleRole.Root, 10, Of(@"CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED"),
            "The GPU's memory does not suffice", "workload", "no", "established",
            "`plan` shows the batch algebra (videos x clips) and the largest batch that fits; another process on the same GPU counts too"),
        new("gpu-ecc", "gpu-hardware", RuleRole.Root, 11, Of(@"uncorrectable ECC error|uncorrectable NVLink error"),
            "The GPU reports a memory or link error that it could not correct", "gpu", "unknown", "established", "Run dcgmi diag; take the GPU out of use if it happens again"),
        new("device-assert", "gpu-software", RuleRole.Root, 12, Of(@"device-side assert triggered|Assertion `?.*index.*out of.*bounds"),
            "An index was out of range in a GPU kernel", "workload", "no", "established", "The line with block and thread names the assertion; look at the samples of the failing step"),
        new("illegal-access", "gpu-software", RuleRole.Root, 13, Of(@"illegal memory access was encountered|misaligned address|unspecified launch failure"),
            "A GPU kernel read or wrote memory that is not its own", "unknown", "unknown", "supported",
            "Replay the step: the same again means software or data, otherwise hardware or a race"),
        new(CublasExecutionFailed, "gpu-software", RuleRole.Root, 20, Of(@"CUBLAS_STATUS_EXECUTION_FAILED|CUDNN_STATUS_EXECUTION_FAILED|CUBLAS_STATUS_INTERNAL_ERROR"),
            "A GPU computation failed; this text is a messenger, the fault happened in this or an earlier kernel", "unknown", "unknown", "hypothesis",
            "Replay the failing step. The split: Xid 13/31 software, 48/63/64/74/79/94/95 hardware, none: memory near its limit or a library's fault for one shape"),
        new("driver", "driver", RuleRole.Root, 21, Of(@"Driver/library version mismatch|CUDA driver version is insufficient|no kernel image is available|no CUDA-capable device|devices are busy or unavailable"),
            "Driver, libraries and GPU do not fit together, or the GPU is not reachable", "host", "no", "established", "`doctor --gpu` names the versions; a container may have lost its devices"),
        new("bad-alloc", "host-memory", RuleRole.Root, 22, Of(@"std::bad_alloc|DefaultCPUAllocator: .*(can't|cannot|not enough)|Cannot allocate memory|OutOfMemoryException"),
            "The host's memory does not suffice for one allocation", "workload", "no", "supported", "Compare memory and limit in host/; lower batch_size, or read_ahead_bytes"),
        new("disk-full", "disk-space", RuleRole.Root, 30, Of(@"No space left on device|Disk quota exceeded"),
            "A file system is full", "host", "no", "supported", "host/ shows free bytes and inodes of each; make room, or lower checkpoint.keep_last"),
        new("read-only", "storage", RuleRole.Root, 31, Of(@"Read-only file system|Input/output error|Structure needs cleaning"),
            "The disk refuses or fails", "host", "no", "supported", "Look at the kernel's log and the disk's health; restore elsewhere"),
        new("not-finite", "numerics", RuleRole.Root, 40, Of(@"loss (NaN|Infinity|-Infinity|∞|-∞)"),
            "The loss is no number any more", "workload", "no", "established", "Lower optimizer.lr, or look for non-finite input with `data check`"),
        new("double-free", "native-crash", RuleRole.Root, 50, Of(@"double free or corruption|malloc\(\): |free\(\): invalid|stack smashing detected|terminate called"),
            "Native code ended the process", "workload", "unknown", "supported", "The lines around it name the exception; send in the report"),
    ];

    static Regex Of(string pattern) => new(pattern, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
