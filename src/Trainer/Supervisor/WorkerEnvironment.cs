using System.Collections;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// A worker's environment: the daemon's, and what keeps UCX out of a .NET process. UCX takes over SIGSEGV and turns a caught exception
/// into a core dump; its monitoring helper prints an alarming line and does nothing. Native code reads these with getenv, so they must be
/// there before the process is.
/// </summary>
static class WorkerEnvironment
{
    static readonly (string Name, string Value)[] Always =
    [
        ("UCX_VFS_ENABLE", "n"),
        ("UCX_HANDLE_ERRORS", "none"),
        ("UCX_ERROR_SIGNALS", ""),
        ("DOTNET_USE_POLLING_FILE_WATCHER", "1"),
    ];

    static readonly (string Name, string Value)[] Defaults =
    [
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        ("CUDA_DEVICE_ORDER", "PCI_BUS_ID"), // cuda:N is NVML's N: readings, links and replicas mean the same GPU
        ("NCCL_DEBUG", "WARN"),
        ("DOTNET_DbgEnableMiniDump", "0"),
    ];

    /// <param name="snapshots">Memory that outlives the worker; null: none.</param>
    public static IReadOnlyDictionary<string, string> Create(SnapshotFile? snapshots = null)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables()) variables[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach (var (name, value) in Defaults) variables.TryAdd(name, value);
        foreach (var (name, value) in Always) variables[name] = value;
        foreach (var (name, value) in snapshots?.Variables() ?? []) variables[name] = value;
        return variables;
    }
}
