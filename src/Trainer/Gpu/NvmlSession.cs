using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// NVML from its initialisation to its shutdown: the devices found at the beginning, and their figures. Any call may hang;
/// <see cref="GpuSampler"/> makes them on a thread that may be given up.
/// </summary>
sealed class NvmlSession : IDisposable
{
    /// <summary>How a reason begins that is no fault: there is nothing here.</summary>
    public const string NoGpu = "no GPU on this machine";

    readonly Device[] devices;
    readonly int counted;
    readonly XidWatch? xids;

    NvmlSession(uint count)
    {
        (devices, counted) = (FindDevices(count), (int)count);
        xids = XidWatch.Start(devices.Select(device => device.Handle));
    }

    /// <summary>Opens NVML, or says in words why there is nothing to read.</summary>
    public static NvmlSession? Open(string library, out bool simulated, out string? unavailable)
    {
        simulated = false;
        try
        {
            simulated = Nvml.Load(library);
            unavailable = Refused(Nvml.nvmlInit_v2());
            if (unavailable is not null) return null;
            var error = Nvml.nvmlDeviceGetCount_v2(out var count);
            if (error == Nvml.Success && count > 0) return new NvmlSession(count);
            unavailable = Refused(error) ?? NoGpu + ": the driver is there and counts none";
            _ = Nvml.nvmlShutdown();
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            unavailable = failure is EntryPointNotFoundException
                ? $"GPUs cannot be read: {library} lacks a function; expected a driver from 2019 or newer"
                : $"{NoGpu}: {library} (part of the NVIDIA driver) cannot be loaded; " +
                  "in a container, start it with --gpus all";
        }

        return null;
    }

    /// <summary>All figures that can be had, or null with the reason when the driver itself is gone.</summary>
    public IReadOnlyList<GpuReading>? Read(out string? unavailable)
    {
        unavailable = Refused(Nvml.nvmlDeviceGetCount_v2(out _));
        if (unavailable is not null) return null;
        var events = xids?.Take() ?? [];
        return [.. devices.Select(device => Read(device, events))];
    }

    /// <summary>Once, for a person: every board that the driver counts, also one that is lost.</summary>
    public IReadOnlyList<BoardHealth> Health() =>
        [.. Enumerable.Range(0, counted).Select(index => devices.FirstOrDefault(device => device.Index == index) is { } device ? Health(device) : BoardHealth.LostBoard(index))];

    static BoardHealth Health(Device device) => Nvml.nvmlDeviceGetMemoryInfo(device.Handle, out _) == Nvml.GpuIsLost
        ? BoardHealth.LostBoard(device.Index)
        : new BoardHealth(Read(device, []), Lost: false, Nvml.ComputeProcesses(device.Handle), Nvml.ThrottleReasons(device.Handle), (long?)Nvml.UncorrectedErrors(device.Handle),
            Nvml.RemappedRows(device.Handle), Nvml.Persists(device.Handle), Nvml.ComputeMode(device.Handle));

    /// <summary>What each process that computes on a board holds of it (see <see cref="Nvml.ComputeProcesses"/>).</summary>
    public IReadOnlyDictionary<int, long?> ProcessesOf(GpuReading board) => Nvml.ComputeProcesses(devices.Single(device => device.Index == board.Index).Handle);

    public void Dispose()
    {
        xids?.Dispose();
        if (xids is null || xids.Ended) _ = Nvml.nvmlShutdown();
    }

    static string? Refused(int error) => error switch
    {
        Nvml.Success => null,
        Nvml.DriverNotLoaded => NoGpu + ": the NVIDIA driver is not loaded",
        Nvml.VersionMismatch => "GPUs cannot be read: the driver was updated and the running kernel module is the old one; reboot",
        _ => $"GPUs cannot be read: NVML answers {Nvml.Explain(error)}",
    };

    static Device[] FindDevices(uint count)
    {
        var found = new List<Device>();
        for (uint index = 0; index < count; index++)
        {
            // A board that is lost already has no handle; the others keep their numbers.
            if (Nvml.nvmlDeviceGetHandleByIndex_v2(index, out var handle) != Nvml.Success) continue;
            _ = Nvml.DeviceUuid(handle, out var uuid);
            _ = Nvml.DeviceName(handle, out var name);
            found.Add(new Device((int)index, handle, uuid, name));
        }

        return [.. found];
    }

    static GpuReading Read(Device device, IReadOnlyList<(nint Device, int Xid)> events)
    {
        var memory = Nvml.nvmlDeviceGetMemoryInfo(device.Handle, out var bytes) == Nvml.Success;
        var busy = Nvml.nvmlDeviceGetUtilizationRates(device.Handle, out var utilization) == Nvml.Success;
        var warm = Nvml.nvmlDeviceGetTemperature(device.Handle, Nvml.DieSensor, out var celsius) == Nvml.Success;
        var powered = Nvml.nvmlDeviceGetPowerUsage(device.Handle, out var milliwatts) == Nvml.Success;
        return new GpuReading(
            device.Index,
            device.Uuid,
            device.Name,
            MemoryUsedBytes: memory ? (long)bytes.Used : null,
            MemoryTotalBytes: memory ? (long)bytes.Total : null,
            UtilizationPercent: busy ? (int)utilization.Gpu : null,
            TemperatureCelsius: warm ? (int)celsius : null,
            PowerWatts: powered ? milliwatts / 1000.0 : null,
            Xids: [.. events.Where(one => one.Device == device.Handle).Select(one => one.Xid)]);
    }

    sealed record Device(int Index, nint Handle, string Uuid, string Name);
}
