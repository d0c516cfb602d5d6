using System.Globalization;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>Variables and libraries that change what a .NET process or libtorch does without a word. Judgements are pure.</summary>
static class EnvironmentChecks
{
    const string ServerCollector = "DOTNET_gcServer";
    static readonly string[] Fixed = [":4096:8", ":16:8"];
    static readonly string[] Allocators = ["libjemalloc", "libtcmalloc", "libmimalloc"];

    /// <summary>Each with what it does; checked by how it begins.</summary>
    static readonly (string Name, Func<string, bool> IsTrap, string Harm)[] Traps =
    [
        ("DOTNET_GCHeapHardLimit", _ => true, "ends the program when its managed memory reaches it"),
        ("DOTNET_DbgMiniDumpType", value => value == "4", "writes all memory to disk at a death"),
        ("DOTNET_EnableHWIntrinsic", IsOff, "takes the vector instructions away"),
        ("DOTNET_EnableAVX2", IsOff, "takes AVX2 away"),
        ("DOTNET_TieredCompilation", IsOff, "compiles everything twice as long at the start"),
        ("DOTNET_PROCESSOR_COUNT", _ => true, "decides how many threads are taken, whatever the machine has"),
        (ServerCollector, value => value == "1", "keeps a heap a processor: more memory for nothing here"),
        ("DOTNET_GCgen0size", _ => true, "sets the collector's first heap by hand"),
        ("DOTNET_EnableDiagnostics", IsOff, "takes stacks of a hang and dumps away"),
    ];

    public static readonly Precondition Ucx = new("ucx", "no UCX in the process, or one that is told to leave signals alone: it takes SIGSEGV from .NET and makes a caught exception a core dump");
    public static readonly Precondition Preload = new("ld-preload", "nothing loaded before every library, or an allocator that you chose");
    public static readonly Precondition Runtime = new("dotnet-variables", "no DOTNET_ variable that slows or ends the program");
    public static readonly Precondition Workspace = new("cublas-workspace", "CUBLAS_WORKSPACE_CONFIG not set (the program sets :4096:8) or of a fixed size: other values give other bits each time");
    public static readonly Precondition OpenMp = new("openmp-threads", "OpenMP left to the configuration's cpu_threads, and not bound to one processor");

    /// <param name="variables">Of this process.</param>
    public static IEnumerable<Check> Judge(IReadOnlyDictionary<string, string> variables, UcxReading ucx)
    {
        yield return JudgeUcx(variables, ucx);
        yield return JudgePreload(variables.GetValueOrDefault("LD_PRELOAD"));
        yield return JudgeRuntime(variables);
        yield return JudgeWorkspace(variables.GetValueOrDefault("CUBLAS_WORKSPACE_CONFIG"));
        yield return JudgeOpenMp(variables);
    }

    static Check JudgeUcx(IReadOnlyDictionary<string, string> variables, UcxReading ucx)
    {
        // Source: openucx, ucs/debug: error signals are taken unless the list is empty or the handling is `none`.
        var tame = variables.GetValueOrDefault("UCX_HANDLE_ERRORS") == "none" || variables.TryGetValue("UCX_ERROR_SIGNALS", out var signals) && signals.Length == 0;
        const string remedy = "export UCX_VFS_ENABLE=n UCX_HANDLE_ERRORS=none UCX_ERROR_SIGNALS= (the daemon gives them to its workers by itself); better, an image without HPC-X, or its folder off LD_LIBRARY_PATH";
        if (ucx.Mapped is { } mapped) return tame ? Ucx.Ok($"{mapped} is in the process, and leaves signals alone") : Ucx.Fail($"{mapped} is in this process and takes its signals", remedy);
        if (ucx.OnPath.Count > 0 && !tame) return Ucx.Warning($"not loaded, but first to be found: {string.Join(", ", ucx.OnPath)}", remedy);
        var set = variables.Keys.Where(name => name.StartsWith("UCX_", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
        return Ucx.Ok(ucx.OnPath.Count > 0 ? $"{string.Join(", ", ucx.OnPath)} can be found, and would leave signals alone" : set.Count > 0 ? $"none; set are {string.Join(", ", set)}" : "none");
    }

    static Check JudgePreload(string? value) => value switch
    {
        null or "" => Preload.Ok("nothing"),
        _ when value.Split(' ', ':').All(file => Allocators.Any(name => Path.GetFileName(file).StartsWith(name, StringComparison.Ordinal))) => Preload.Ok(value),
        _ => Preload.Warning($"LD_PRELOAD={value}", "unset LD_PRELOAD, unless you know what it does in a process with .NET and CUDA"),
    };

    static Check JudgeRuntime(IReadOnlyDictionary<string, string> variables)
    {
        var found = (from variable in variables.OrderBy(one => one.Key, StringComparer.Ordinal)
                     let name = variable.Key.StartsWith("COMPlus_", StringComparison.Ordinal) ? string.Concat("DOTNET_", variable.Key.AsSpan(8)) : variable.Key
                     from trap in Traps
                     where name.StartsWith(trap.Name, StringComparison.OrdinalIgnoreCase) && trap.IsTrap(variable.Value.Trim())
                     select (variable.Key, Text: $"{variable.Key}={variable.Value} {trap.Harm}")).ToList();
        return found.Count == 0 ? Runtime.Ok("none") : Runtime.Warning(string.Join("; ", found.Select(one => one.Text)), $"unset {string.Join(' ', found.Select(one => one.Key).Distinct())}");
    }

    static Check JudgeWorkspace(string? value) => value is null or "" ? Workspace.Ok("not set")
        : Fixed.Contains(value) ? Workspace.Ok(value)
        : Workspace.Warning($"CUBLAS_WORKSPACE_CONFIG={value}", "export CUBLAS_WORKSPACE_CONFIG=:4096:8");

    static Check JudgeOpenMp(IReadOnlyDictionary<string, string> variables)
    {
        string[] binding = ["OMP_PROC_BIND", "OMP_PLACES", "KMP_AFFINITY", "GOMP_CPU_AFFINITY"];
        var bound = binding.Where(name => variables.GetValueOrDefault(name) is { Length: > 0 } value && !value.Equals("false", StringComparison.OrdinalIgnoreCase)).ToList();
        if (bound.Count > 0)
        {
            return OpenMp.Warning(string.Join(", ", bound.Select(name => $"{name}={variables[name]}")),
                $"unset {string.Join(' ', bound)}: the replicas' threads would be bound to the same processors");
        }

        return variables.GetValueOrDefault("OMP_NUM_THREADS") switch
        {
            null or "" => OpenMp.Ok("not set"),
            var text when int.TryParse(text, CultureInfo.InvariantCulture, out var threads) && threads > 0 => OpenMp.Ok($"OMP_NUM_THREADS={threads}; training and evaluation set their own number (cpu_threads)"),
            var text => OpenMp.Warning($"OMP_NUM_THREADS={text}", "unset OMP_NUM_THREADS, or set a whole number"),
        };
    }

    static bool IsOff(string value) => value == "0";
}

/// <summary>Where UCX is.</summary>
/// <param name="Mapped">The library, when this process has it loaded.</param>
/// <param name="OnPath">Files on LD_LIBRARY_PATH.</param>
sealed record UcxReading(string? Mapped, IReadOnlyList<string> OnPath)
{
    const string Name = "libucs.so";

    public static UcxReading Read(string? libraryPath, string? maps) => new(
        MappedFiles.Of(maps).FirstOrDefault(path => Path.GetFileName(path).StartsWith(Name, StringComparison.Ordinal)),
        [.. (libraryPath ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).SelectMany(folder => Directory.Exists(folder) ? Directory.EnumerateFiles(folder, Name + "*").Take(1) : [])]);
}
