namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>Memory and limits of the host, and what native code says when it dies.</summary>
static partial class Rules
{
    static IReadOnlyList<Rule> HarmlessOnes =>
    [
        Harmless(UcxInotify, "inotify", @"vfs_fuse\.c:\d+.*UCX\s+ERROR\s+inotify_add_watch\(.*\) failed",
            "not about disk space: the quota of inotify watches of this user is used up. A helper thread of UCX only waits for an optional "
            + "monitoring daemon there, gives up and ends; it cannot break a computation. UCX_VFS_ENABLE=n removes the line, "
            + "fs.inotify.max_user_watches=1048576 on the host the shortage"),
        Harmless("ucx-inotify-init", "inotify", @"UCX.*inotify_init\w*\(?\)? failed", "a helper thread of UCX does without its optional monitoring; it cannot break a computation. UCX_VFS_ENABLE=n removes the line"),
        Harmless("nccl-no-plugin", "gpu-software", @"NET/Plugin ?: (?:No plugin found|Could not find)|Could not find.*libnccl-net\.so", "NCCL has no network plug-in and uses what is built in: the usual case on one machine"),
        Harmless("leaked-semaphores", "shared-memory", @"leaked (?:semaphore|shared_memory) objects to clean up at shutdown", "Python tidies up after workers that had already ended: a consequence, not the cause"),
        Harmless("process-group-left", "program-error", @"destroy_process_group\(\) was not called", "a warning at the end of a process that did not take leave of its group"),
        Harmless("cuda-factory", "driver", @"Unable to register cu(?:DNN|FFT|BLAS) factory", "a library was registered twice; the first stays in use"),
    ];

    static IReadOnlyList<Rule> Host =>
    [
        Root("memlock", "limits", "host", "no", Supported, @"ibv_reg_mr|RLIMIT_MEMLOCK|cannot lock memory|mlock.*Cannot allocate", "The limit of locked memory is too small", "docker: --ulimit memlock=-1"),
        Root("threads", "limits", "host", "no", Supported,
            @"can't start new thread|pthread_create failed|Failed to create (?:a )?thread|fork rejected by pids controller|fork: (?:retry: )?Resource temporarily unavailable|BlockingIOError: \[Errno 11\]",
            "No more threads or processes may be made", "docker: --pids-limit=-1; ulimit -u; kernel.threads-max"),
        Root("open-files", "limits", "host", "no", Supported, @"Too many open files|\bEMFILE\b|\bENFILE\b", "Too many files are open (inotify instances count too)", "docker: --ulimit nofile=1048576; /proc/PID/fd shows what is open"),
        Root("bad-alloc", "host-memory", "workload", "no", Supported, @"std::bad_alloc|DefaultCPUAllocator: |OutOfMemoryException|numpy\S*MemoryError|^MemoryError|Unable to allocate .* for an array",
            "The host's memory does not suffice for one allocation", "Compare memory and limit in host/; lower batch_size, or read_ahead_bytes"),
        Root(CannotAllocate, "host-memory", "host", "no", Hypothesis, @"Cannot allocate memory",
            "The system refused memory: none is left, or a limit on it was reached", "Compare memory and limit in host/; else ulimit -v, vm.overcommit_memory, vm.max_map_count"),
        Root("ucx-signal-handler", "native-crash", "workload", "unknown", Supported, @"Caught signal \d+ \(",
            "UCX had taken over the signals of the process: an ordinary fault became its end", "UCX_ERROR_SIGNALS=\"\" or UCX_HANDLE_ERRORS=none; use an image without HPC-X"),
        Root("double-free", "native-crash", "workload", "unknown", Supported,
            @"double free or corruption|malloc\(\): |free\(\): invalid|corrupted size vs\. prev_size|corrupted double-linked list|stack smashing detected|munmap_chunk\(\): invalid",
            "Native code damaged its own memory", "The lines around it may name the library; send in the report"),
    ];

    static IReadOnlyList<Rule> Ends =>
    [
        End(BusErrorText, "shared-memory", "host", "unknown", Hypothesis, @"\bBus error\b",
            "A mapped page could not be provided (SIGBUS): /dev/shm full, or a mapped file that somebody cut", "df /dev/shm; docker: --shm-size=2g; is a file cut while it is read?"),
        End("managed-fault", "native-crash", "workload", "unknown", Supported, @"AccessViolationException|ExecutionEngineException",
            "Native code damaged the memory of the .NET runtime, or a mapped file was cut", "Send in the report; is libucs mapped into the process? UCX_ERROR_SIGNALS=\"\""),
        End("uncaught-native", "native-crash", "workload", "unknown", Supported, @"terminate called|libc\+\+abi: terminating",
            "A C++ exception that nobody caught ended the process", "The line what() below it names the exception; send in the report"),
        End("text-segfault", "native-crash", "workload", "unknown", Supported, @"Segmentation fault|\bSIGSEGV\b", "Native code touched memory that is not its own (SIGSEGV)", "Send in the report; the same library twice is a fault of it"),
        End("text-aborted", "native-crash", "workload", "unknown", Supported, @"\bAborted\s+\(core dumped\)|\bSIGABRT\b", "The process aborted itself (SIGABRT)", "The lines before it say why"),
        End("text-illegal-instruction", "native-crash", "workload", "no", Supported, @"Illegal instruction", "The program uses an instruction that this processor does not have, or its code is damaged", "Compare the build with the flags in /proc/cpuinfo"),
        End("program-exception", "program-error", "workload", "unknown", Supported,
            @"(?:^|[\s:.])(?:TypeError|AttributeError|NameError|KeyError|IndexError|ValueError|AssertionError|ImportError|ModuleNotFoundError|ZeroDivisionError|NotImplementedError|UnboundLocalError|RecursionError|SyntaxError): |(?:Unhandled exception\.|System\.(?:NullReference|InvalidOperation|Argument\w*|IndexOutOfRange|InvalidCast|KeyNotFound|Collections\S*)Exception)",
            "An exception that the program did not expect", "The lines around it name the place"),
        End("text-killed", "unknown", "unknown", "unknown", Hypothesis, @"(?:^|\s)Killed(?:\s|$)|\bSIGKILL\b|exit ?code ?: ?-9\b|exit(?:ed with)? (?:code|status) 137\b|killed by signal 9",
            "It was killed (SIGKILL); by whom, this text does not say", "Look for a memory kill at that time (dmesg; memory.events of the control group), then for docker stop or an operator"),
    ];
}
