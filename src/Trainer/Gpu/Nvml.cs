using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// NVIDIA's management library, the calls we need and nothing else. The only file that knows its interface; a ready-made binding
/// would replace this file. Source of the signatures and numbers: NVML API reference (docs.nvidia.com/deploy/nvml-api).
/// </summary>
/// <remarks>It needs no CUDA context. NVML itself is thread-safe, but any call may hang while a GPU is sick.</remarks>
static unsafe partial class Nvml
{
    /// <summary>Names another library to load instead of the driver's: FakeNvml.</summary>
    const string LibraryVariable = "MCN_NVML_LIBRARY";

    const string DriverLibrary = "libnvidia-ml.so.1";

    public const int Success = 0, NotInitialized = 1, NotSupported = 3, DriverNotLoaded = 9, TimedOut = 10, GpuIsLost = 15,
        VersionMismatch = 18;

    /// <summary>For nvmlDeviceRegisterEvents.</summary>
    public const ulong XidCriticalError = 0x8;

    /// <summary>Of nvmlGpuP2PCapsIndex_t: reading the other's memory, over whatever; and over NVLink.</summary>
    public const int PeerRead = 0, PeerNvLink = 2;

    /// <summary>Of nvmlGpuP2PStatus_t.</summary>
    public const int PeerOk = 0;

    /// <summary>Of nvmlComputeMode_t: nobody may compute; only one process may.</summary>
    public const int ComputeProhibited = 2, ComputeExclusive = 3;

    /// <summary>Throttle reasons: power cap by software; hardware slowdown; heat, by software and by hardware; power brake.</summary>
    public const ulong PowerCap = 0x4, HardwareSlowdown = 0x8, ThermalSlowdown = 0x20, HardwareThermal = 0x40, PowerBrake = 0x80;

    /// <summary>Sensor of nvmlDeviceGetTemperature: the GPU's die.</summary>
    public const int DieSensor = 0;

    const string Library = "nvml";
    const int UncorrectedError = 1, SinceDriverLoad = 0; // nvmlMemoryErrorType_t, nvmlEccCounterType_t (volatile)
    const int MostProcesses = 256; // of one board; NVML answers with an error where there are more
    const ulong NotAvailable = ulong.MaxValue; // NVML_VALUE_NOT_AVAILABLE
    const int TextBytes = 96; // NVML_DEVICE_NAME_V2_BUFFER_SIZE, NVML_DEVICE_UUID_V2_BUFFER_SIZE

    static nint library;

    static Nvml() => NativeLibrary.SetDllImportResolver(typeof(Nvml).Assembly, (name, _, _) => name == Library ? library : 0);

    /// <summary>
    /// Loads the library; must have succeeded before any call. True when it says that its figures are made up. A call once bound
    /// stays bound, so there is one library in the life of a process.
    /// </summary>
    /// <exception cref="DllNotFoundException">There is none.</exception>
    public static bool Load(string path)
    {
        var loaded = NativeLibrary.Load(path);
        if (library == 0) library = loaded;
        if (library != loaded) throw new InvalidOperationException($"{path}: another NVML was loaded before it");
        return NativeLibrary.TryGetExport(library, "mcn_fake_nvml", out _);
    }

    public static string LibraryToLoad =>
        Environment.GetEnvironmentVariable(LibraryVariable) is { Length: > 0 } named ? named : DriverLibrary;

    /// <summary>Version of the driver; null where it does not tell.</summary>
    public static string? DriverVersion()
    {
        var buffer = stackalloc byte[TextBytes];
        return Has(nameof(nvmlSystemGetDriverVersion)) && nvmlSystemGetDriverVersion(buffer, TextBytes) == Success ? Marshal.PtrToStringUTF8((nint)buffer) : null;
    }

    /// <summary>Newest CUDA that the driver takes; null where it does not tell.</summary>
    public static (int Major, int Minor)? DriverCuda() =>
        Has(nameof(nvmlSystemGetCudaDriverVersion_v2)) && nvmlSystemGetCudaDriverVersion_v2(out var version) == Success ? (version / 1000, version % 1000 / 10) : null;

    // What follows is null where this driver, or this board, has no such figure.

    /// <summary>Why the clocks are held down, a bit a reason (nvmlClocksThrottleReason…).</summary>
    public static ulong? ThrottleReasons(nint device) =>
        Has(nameof(nvmlDeviceGetCurrentClocksThrottleReasons)) && nvmlDeviceGetCurrentClocksThrottleReasons(device, out var reasons) == Success ? reasons : null;

    /// <summary>Uncorrectable memory errors since the driver was loaded.</summary>
    public static ulong? UncorrectedErrors(nint device) =>
        Has(nameof(nvmlDeviceGetTotalEccErrors)) && nvmlDeviceGetTotalEccErrors(device, UncorrectedError, SinceDriverLoad, out var errors) == Success ? errors : null;

    /// <summary>Whether a memory row waits for its replacement at the next reset, and whether one could not be replaced.</summary>
    public static (bool Pending, bool Failed)? RemappedRows(nint device) =>
        Has(nameof(nvmlDeviceGetRemappedRows)) && nvmlDeviceGetRemappedRows(device, out _, out _, out var pending, out var failed) == Success ? (pending != 0, failed != 0) : null;

    public static bool? Persists(nint device) =>
        Has(nameof(nvmlDeviceGetPersistenceMode)) && nvmlDeviceGetPersistenceMode(device, out var mode) == Success ? mode != 0 : null;

    /// <summary>nvmlComputeMode_t.</summary>
    public static int? ComputeMode(nint device) =>
        Has(nameof(nvmlDeviceGetComputeMode)) && nvmlDeviceGetComputeMode(device, out var mode) == Success ? mode : null;

    static bool Has(string function) => NativeLibrary.TryGetExport(library, function, out _);

    public static string Explain(int error) => $"{Marshal.PtrToStringUTF8(nvmlErrorString(error))} ({error})";

    public static int DeviceName(nint device, out string name) => Text(device, &nvmlDeviceGetName, out name);

    public static int DeviceUuid(nint device, out string uuid) => Text(device, &nvmlDeviceGetUUID, out uuid);

    /// <summary>
    /// Bytes of a device that each process which computes on it holds, by process id (of the host, also in a container, unless the driver
    /// translates it); null where the driver tells the process and not the bytes. Empty where it tells of none, or not at all.
    /// </summary>
    public static IReadOnlyDictionary<int, long?> ComputeProcesses(nint device)
    {
        var found = new Dictionary<int, long?>();
        var buffer = stackalloc ProcessInfo[MostProcesses];
        var count = (uint)MostProcesses;
        if (!Has(nameof(nvmlDeviceGetComputeRunningProcesses_v3))) return found; // drivers before 510
        if (nvmlDeviceGetComputeRunningProcesses_v3(device, &count, buffer) != Success) return found;
        for (var i = 0; i < count; i++)
        {
            // A process may be listed more than once: with each of its contexts.
            var bytes = buffer[i].UsedBytes == NotAvailable ? null : (long?)buffer[i].UsedBytes;
            found[(int)buffer[i].ProcessId] = found.TryGetValue((int)buffer[i].ProcessId, out var before) ? before + bytes : bytes;
        }

        return found;
    }

    static int Text(nint device, delegate*<nint, byte*, uint, int> call, out string text)
    {
        var buffer = stackalloc byte[TextBytes];
        buffer[0] = 0;
        var error = call(device, buffer, TextBytes);
        text = error == Success ? Marshal.PtrToStringUTF8((nint)buffer) ?? "" : "";
        return error;
    }

    [LibraryImport(Library)]
    public static partial int nvmlInit_v2();

    [LibraryImport(Library)]
    public static partial int nvmlShutdown();

    [LibraryImport(Library)]
    private static partial nint nvmlErrorString(int error);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetCount_v2(out uint count);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetHandleByIndex_v2(uint index, out nint device);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetName(nint device, byte* name, uint length);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetUUID(nint device, byte* uuid, uint length);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetMemoryInfo(nint device, out Memory memory);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetComputeRunningProcesses_v3(nint device, uint* count, ProcessInfo* processes);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetUtilizationRates(nint device, out Utilization utilization);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetTemperature(nint device, int sensor, out uint celsius);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetPowerUsage(nint device, out uint milliwatts);

    [LibraryImport(Library)]
    private static partial int nvmlSystemGetDriverVersion(byte* version, uint length);

    [LibraryImport(Library)]
    private static partial int nvmlSystemGetCudaDriverVersion_v2(out int version);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetCurrentClocksThrottleReasons(nint device, out ulong reasons);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetTotalEccErrors(nint device, int type, int counter, out ulong errors);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetRemappedRows(nint device, out uint corrected, out uint uncorrected, out uint pending, out uint failed);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetPersistenceMode(nint device, out int mode);

    [LibraryImport(Library)]
    private static partial int nvmlDeviceGetComputeMode(nint device, out int mode);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceGetP2PStatus(nint one, nint other, int capability, out int status);

    [LibraryImport(Library)]
    public static partial int nvmlEventSetCreate(out nint set);

    [LibraryImport(Library)]
    public static partial int nvmlDeviceRegisterEvents(nint device, ulong types, nint set);

    [LibraryImport(Library)]
    public static partial int nvmlEventSetWait_v2(nint set, out Event data, uint milliseconds);

    [LibraryImport(Library)]
    public static partial int nvmlEventSetFree(nint set);

    /// <summary>nvmlMemory_t, bytes. Used includes what the driver keeps for itself.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Memory
    {
        public ulong Total, Free, Used;
    }

    /// <summary>nvmlProcessInfo_t; the instances are those of MIG.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct ProcessInfo
    {
        public uint ProcessId;
        public ulong UsedBytes;
        public uint GpuInstance, ComputeInstance;
    }

    /// <summary>nvmlUtilization_t, percent of the last sample period.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Utilization
    {
        public uint Gpu, MemoryController;
    }

    /// <summary>nvmlEventData_t; Data is the Xid.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Event
    {
        public nint Device;
        public ulong Type, Data;
        public uint GpuInstance, ComputeInstance;
    }
}
