namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>What the CUDA runtime, cuBLAS, cuDNN and the driver's libraries say.</summary>
static partial class Rules
{
    const string Replay = "Replay the step: the same again means software or data, otherwise hardware or a race";

    static IReadOnlyList<Rule> Gpu =>
    [
        Root("gpu-ecc", "gpu-hardware", "gpu", "unknown", Established, @"uncorrectable ECC error",
            "The GPU reports a memory error that it could not correct", "Run dcgmi diag; take the GPU out of use if it happens again"),
        Root("gpu-nvlink", "gpu-hardware", "gpu", "unknown", Established, @"uncorrectable NVLink error",
            "The link between two GPUs failed", "Reset both GPUs; when it comes back, have the bridge reseated"),
        Root("device-assert", "gpu-software", "workload", "no", Established, @"device-side assert triggered|\.cu:\d+.*Assertion .* failed|Assertion .*index.*out of.*bounds",
            "An index was out of range in a GPU kernel", "The line with block and thread names the assertion; look at the samples of the failing step"),
        Root("cuda-out-of-memory", "gpu-memory", "workload", "no", Established,
            @"CUDA out of memory|CUDA error: out of memory|OutOfMemoryError: CUDA|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|(?:CUBLAS|CUDNN|CUSPARSE|CUSOLVER)_STATUS_(?:ALLOC_FAILED|MAPPING_ERROR)|Cuda failure 'out of memory'",
            "The GPU's memory does not suffice",
            "`plan` shows the batch algebra (videos x clips) and the largest batch that fits; another process on the same GPU counts too. Much reserved and little allocated means fragments: PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True"),
        Root("no-kernel-image", "driver", "host", "no", Established, @"no kernel image is available|STATUS_ARCH_MISMATCH|device kernel image is invalid",
            "This build has no code for this GPU", "Use a libtorch that was built for the GPU's compute capability"),
        Root("driver", "driver", "host", "no", Established,
            @"Driver/library version mismatch|CUDA driver version is insufficient|forward compatibility was attempted|unsupported display driver|CUDNN_STATUS_VERSION_MISMATCH|NVIDIA driver on your system is too old|libcuda\.so\S* cannot open shared object",
            "Driver, libraries and GPU do not fit together", "Was the driver upgraded under a running system? Reload the module or reboot, pin the driver; `doctor --gpu` names the versions"),
        Root("gpu-unreachable", "driver", "host", "no", Established,
            @"no CUDA-capable device|devices are busy or unavailable|invalid device ordinal|Failed to initialize NVML|No CUDA GPUs are available|Found no NVIDIA driver|CUDA_ERROR_NO_DEVICE",
            "The GPU cannot be reached", "Is it listed by nvidia-smi -L on the host? A container may have lost its devices: make it anew; look at CUDA_VISIBLE_DEVICES"),
        Root("fabric-manager", "driver", "host", "no", Established, @"CUDA error: system not yet initialized|cudaErrorSystemNotReady",
            "The fabric manager of this machine's NVSwitch does not run", "Start nvidia-fabricmanager, of the same version as the driver"),
        Root("launch-timeout", "gpu-software", "gpu", "unknown", Supported, @"the launch timed out",
            "A GPU kernel ran longer than the watchdog of a GPU with a display allows", "Use a GPU that drives no display"),
        Root("launch-shape", "gpu-software", "workload", "no", Supported, @"too many resources requested for launch|CUDA error: invalid configuration argument",
            "A GPU kernel was started with a shape that it does not take (an empty batch?)", "Look at the shapes of the failing step"),
        Root("cublas-call", "gpu-software", "workload", "no", Supported, @"CUBLAS_STATUS_(?:INVALID_VALUE|NOT_SUPPORTED)|CUDNN_STATUS_BAD_PARAM",
            "A matrix product was called with sizes, strides or alignment that it does not take", "Look at the shapes and the precision of this call"),
        Root("driver-unhappy", "driver", "host", "unknown", Supported, @"CUDA unknown error|CUDA error: (?:unknown error|initialization error)",
            "The driver refuses to start work (after a suspend, a fork, or with another module loaded)", "Start the container anew, then the host; the kernel's NVRM lines say more"),
        Messenger("illegal-access", "gpu-software", "unknown", "unknown", Supported, @"illegal memory access|CUDA_ERROR_ILLEGAL_ADDRESS",
            "A GPU kernel read or wrote memory that is not its own", Replay),
        Messenger("kernel-corrupt", "gpu-software", "unknown", "unknown", Hypothesis,
            @"misaligned address|an illegal instruction was encountered|invalid program counter|operation not supported on global/shared address space|invalid address space",
            "A GPU kernel met a damaged address or instruction: software, or failing hardware", Replay + "; not reproducible: dcgmi diag"),
        Messenger("launch-failure", "gpu-software", "unknown", "unknown", Hypothesis, @"unspecified launch failure",
            "A GPU kernel failed; the driver's Xid would say why", Replay),
        Messenger(CublasExecutionFailed, "gpu-software", "unknown", "unknown", Hypothesis, @"(?:CUBLAS|CUDNN|CUSPARSE|CUSOLVER|CUFFT)_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR)|CUFFT_(?:EXEC_FAILED|INTERNAL_ERROR)",
            "A GPU computation failed; this text is a messenger, the fault happened in this or an earlier kernel",
            "Replay the failing step. The split: Xid 13/31 software, 48/63/64/74/79/94/95 hardware, none: memory near its limit or a library's fault for one shape"),
        Messenger("cublas-not-initialized", "gpu-memory", "unknown", "unknown", Hypothesis, @"(?:CUBLAS|CUDNN|CUSOLVER)_STATUS_NOT_INITIALIZED",
            "cuBLAS or cuDNN could not be started: GPU memory full, an earlier error in this process, or versions that do not fit", "Look at the GPU's memory and its other processes first, then at the versions"),
        Messenger(CudnnNotSupported, "gpu-software", "workload", "unknown", Hypothesis, @"CUDNN_STATUS_NOT_SUPPORTED",
            "cuDNN has no algorithm for this call: its layout, or memory in disguise for a large batch", "Try half the batch: passes it, it was memory"),
        Cascade("driver-shutting-down", "program-error", @"driver shutting down|cudaErrorCudartUnloading",
            "CUDA was used after the end had begun: a consequence, not the cause", "Look at what ended the process before this line"),
    ];
}
