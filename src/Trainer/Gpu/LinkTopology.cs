using System.Globalization;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// Where the ranks of a run compute, and what they reach each other's memory through: for the start of a run. From NVML: it needs no CUDA
/// context and says what the driver allows, not what a transfer takes. Which board is which: <see cref="VisibleBoards"/>.
/// </summary>
/// <param name="Links">`host memory`, `NVLink`, `PCIe peer-to-peer`, or which pairs (by rank) have what; null: there is only one device.</param>
/// <param name="Boards">Uuid of each rank's board, null where NVML does not know it; empty: on the CPU, or NVML does not answer.</param>
sealed record LinkTopology(string? Links, IReadOnlyList<string?> Boards)
{
    const string HostMemory = "host memory";
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <param name="devices">Of the configuration, one a rank.</param>
    public static LinkTopology Of(IReadOnlyList<string> devices) => Of(devices, Nvml.LibraryToLoad, VisibleBoards.FromEnvironment);

    internal static LinkTopology Of(IReadOnlyList<string> devices, string library, string? visible)
    {
        var asked = devices[0] == "cpu" ? new(HostMemory, [])
            : new PatientCall<LinkTopology>("gpu-links", () => Ask(devices, library, visible), Patience).TryGet(out var answer) ? answer!
            : new($"unknown (NVML did not answer in {Patience.TotalSeconds:0} s)", []);
        return devices.Count > 1 ? asked : asked with { Links = null };
    }

    static LinkTopology Ask(IReadOnlyList<string> devices, string library, string? visible)
    {
        try
        {
            var simulated = Nvml.Load(library) ? " (simulated)" : "";
            if (Nvml.nvmlInit_v2() is not Nvml.Success and var error) return new($"unknown (NVML answers {Nvml.Explain(error)})", []);
            try
            {
                var handles = devices.Select(device => Handle(device, visible)).ToArray();
                return new(Summary(handles) + simulated, [.. handles.Select(Uuid)]);
            }
            finally
            {
                _ = Nvml.nvmlShutdown();
            }
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            return new($"unknown ({library} cannot be loaded, or is older than 2018)", []);
        }
    }

    static string Summary(nint?[] devices)
    {
        var pairs = (from one in Enumerable.Range(0, devices.Length)
                     from other in Enumerable.Range(one + 1, devices.Length - one - 1)
                     group $"{one}-{other}" by LinkOf(devices[one], devices[other])).ToArray();
        return pairs is [var only] ? only.Key : string.Join("; ", pairs.Select(pair => $"{pair.Key}: {string.Join(", ", pair)}"));
    }

    static string LinkOf(nint? one, nint? other)
    {
        if (one is not { } a || other is not { } b) return "unknown";
        if (Can(a, b, Nvml.PeerNvLink)) return "NVLink";
        return Can(a, b, Nvml.PeerRead) ? "PCIe peer-to-peer" : HostMemory;
    }

    static bool Can(nint one, nint other, int capability) =>
        Nvml.nvmlDeviceGetP2PStatus(one, other, capability, out var status) == Nvml.Success && status == Nvml.PeerOk;

    /// <summary>NVML's handle of `cuda:N`; null: NVML does not know it (a MIG instance, a number too large).</summary>
    static nint? Handle(string device, string? visible)
    {
        var name = VisibleBoards.NameOf(device, visible);
        if (uint.TryParse(name, CultureInfo.InvariantCulture, out var index))
            return Nvml.nvmlDeviceGetHandleByIndex_v2(index, out var handle) == Nvml.Success ? handle : null;
        if (name is not { Length: > 0 } || Nvml.nvmlDeviceGetCount_v2(out var count) != Nvml.Success) return null;
        for (uint i = 0; i < count; i++)
        {
            if (Nvml.nvmlDeviceGetHandleByIndex_v2(i, out var handle) == Nvml.Success && Nvml.DeviceUuid(handle, out var uuid) == Nvml.Success
                && uuid.StartsWith(name, StringComparison.OrdinalIgnoreCase)) return handle;
        }

        return null;
    }

    static string? Uuid(nint? handle) => handle is { } known && Nvml.DeviceUuid(known, out var uuid) == Nvml.Success ? uuid : null;
}
