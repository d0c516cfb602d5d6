using System.Globalization;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>Driver, build and what is visible: the questions before any board is looked at. Pure.</summary>
/// <param name="wanted">A configuration names GPUs, or --gpu asks for them: what would be a warning is a fail.</param>
/// <param name="cudaBuild">The CUDA libraries lie beside the program.</param>
/// <param name="boardsOnBus">NVIDIA display or compute devices that the PCI bus shows, driver or not.</param>
sealed class GpuChecks(bool wanted, bool cudaBuild, int boardsOnBus)
{
    const string DriverRemedy = "nvidia-smi must answer first: install the driver (or sudo modprobe nvidia), after an update of it reboot; in a container, the NVIDIA container toolkit and docker run --gpus all. "
        + "To train without: \"devices\": \"cpu\"";

    public static readonly Precondition Driver = new("gpu-driver", "where GPUs are to compute, an NVIDIA driver that answers");
    public static readonly Precondition Build = new("gpu-build", "the CUDA build where there are GPUs, and a driver for its CUDA");
    public static readonly Precondition Visible = new("cuda-visible-devices", "CUDA_VISIBLE_DEVICES not set, or naming boards that are there");
    public static readonly Precondition Nodes = new("gpu-nodes", "/dev/nvidiactl and /dev/nvidia-uvm, which CUDA opens: NVML answers without them");
    public static readonly Precondition Devices = new("config-devices", "a board for each of the configuration's devices");
    public static readonly Precondition Links = new("gpu-links", "NVLink or PCIe peer-to-peer between all boards: replicas exchange gradients over it");

    /// <param name="devices">Of the configuration; empty: there is none, or it names no GPU.</param>
    public IEnumerable<Check> Judge(GpuBox box, string? visible, string? order, IReadOnlyList<string> devices)
    {
        yield return JudgeDriver(box);
        yield return JudgeBuild(box);
        yield return JudgeVisible(box, visible, order);
        if (devices.Count > 0 && box.Boards.Count > 0) yield return JudgeDevices(box, visible, devices);
        if (box.Links is { } links)
        {
            yield return links.Contains("host memory", StringComparison.Ordinal)
                ? Links.Warning(links, "Boards below one switch or root reach each other (nvidia-smi topo -m); in a virtual machine ACS may forbid it; without, gradients go through the host's memory")
                : links.StartsWith("unknown", StringComparison.Ordinal) ? Links.Unknown(links, "nvidia-smi topo -p2p r") : Links.Ok(links);
        }

        if (box.Boards.Count > 0) yield return BoardChecks.JudgePersistence(box);
        foreach (var check in box.Boards.SelectMany(board => new BoardChecks(board, wanted, box.Simulated).Judge())) yield return check;
    }

    Check JudgeDriver(GpuBox box)
    {
        if (box.Unavailable is null) return Driver.Ok($"driver {box.Driver ?? "of unknown version"}, {box.Boards.Count} GPUs{Label(box)}");
        var nothing = box.Unavailable.StartsWith(NvmlSession.NoGpu, StringComparison.Ordinal);
        if (boardsOnBus > 0) return Driver.Bad(wanted, $"{boardsOnBus} NVIDIA boards on the bus, but {box.Unavailable}", DriverRemedy);
        return wanted || cudaBuild || !nothing ? Driver.Bad(wanted, box.Unavailable, DriverRemedy) : Driver.Ok($"{box.Unavailable}; none is asked for");
    }

    Check JudgeBuild(GpuBox box)
    {
        var there = box.Boards.Count > 0 || boardsOnBus > 0;
        if (!cudaBuild) return wanted || there && !box.Simulated ? Build.Bad(wanted, there ? $"CPU build: the GPUs{Label(box)} lie idle" : "CPU build", TorchChecks.CudaRemedy) : Build.Ok("CPU build");
        var (major, minor) = TorchChecks.CudaOfTheBuild;
        var found = $"CUDA build ({major}.{minor})" + (box.Cuda is { } cuda ? $", driver takes CUDA {cuda.Major}.{cuda.Minor} and older{Label(box)}" : "");
        if (box.Cuda is not { } driver) return there ? Build.Unknown(found + ", the driver does not tell its CUDA", "nvidia-smi shows it in its first line") : Build.Ok(found);
        // NVIDIA's minor version compatibility: any driver of the same major version will do, for what was compiled and not for what is compiled on the way (PTX).
        return driver.Major < major ? Build.Bad(wanted, found, $"Update the driver to one for CUDA {major} (525 or newer; for {major}.{minor}: 570)")
            : driver.Major == major && driver.Minor < minor ? Build.Warning(found, $"Mostly works (minor version compatibility); a driver from 570 on is the one for CUDA {major}.{minor}")
            : Build.Ok(found);
    }

    static Check JudgeDevices(GpuBox box, string? visible, IReadOnlyList<string> devices)
    {
        var missing = devices.Where(device => VisibleBoards.Find(box.Boards.Select(board => board.Reading), device, visible) is null).ToList();
        return missing.Count == 0 ? Devices.Ok($"{string.Join(", ", devices)}{Label(box)}")
            : Devices.Fail($"{string.Join(", ", missing)}: none of the {box.Boards.Count} boards{Label(box)}", "Name in devices what is there (cuda:0 is the first that CUDA_VISIBLE_DEVICES leaves)");
    }

    Check JudgeVisible(GpuBox box, string? visible, string? order)
    {
        const string remedy = "unset CUDA_VISIBLE_DEVICES, or name boards by number or uuid (nvidia-smi -L)";
        if (order is { Length: > 0 } and not "PCI_BUS_ID") return Visible.Warning($"CUDA_DEVICE_ORDER={order}: cuda:N may be another board than nvidia-smi's N", "export CUDA_DEVICE_ORDER=PCI_BUS_ID");
        if (visible is null) return Visible.Ok("not set");
        var said = $"CUDA_VISIBLE_DEVICES={visible}";
        if (visible.Trim().Length == 0) return Visible.Bad(wanted, $"{said} (set, and empty): CUDA sees no GPU", remedy);
        if (box.Boards.Count == 0) return visible == "-1" && !wanted ? Visible.Ok(said) : Visible.Unknown($"{said}, and no board to compare it with", remedy);
        var names = visible.Split(',').Select(name => name.Trim()).ToList();
        // CUDA stops at the first name that is none: what stands behind it is hidden, too.
        var known = names.TakeWhile(name => box.Boards.Any(board => Names(name, board))).ToList();
        if (known.Count < names.Count) return Visible.Bad(wanted, $"{said}: {(names[known.Count].StartsWith("MIG-", StringComparison.Ordinal) ? "a MIG instance, which NVML's figures do not know" : $"'{names[known.Count]}' is no board of {box.Boards.Count}")}; CUDA sees {known.Count}", remedy);
        if (known.Distinct().Count() < known.Count) return Visible.Bad(wanted, $"{said} names a board twice", remedy);
        return Visible.Ok($"{said}: {known.Count} of {box.Boards.Count}{Label(box)}");
    }

    static bool Names(string name, BoardHealth board) => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        ? board.Reading.Index == index
        : name.StartsWith("GPU-", StringComparison.Ordinal) && board.Reading.Uuid.StartsWith(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>Nobody is to trust a board that FakeNvml made up.</summary>
    static string Label(GpuBox box) => box.Simulated ? " (simulated)" : "";

    /// <summary>A container that was started before the driver was loaded, or whose devices a `systemctl daemon-reload` took, has boards and cannot compute.</summary>
    /// <param name="nodes">Each with why it cannot be opened; null: it can.</param>
    public Check JudgeNodes(IReadOnlyList<(string Path, string? Refused)> nodes)
    {
        var bad = nodes.Where(node => node.Refused is not null).Select(node => $"{node.Path}: {node.Refused}").ToList();
        return bad.Count == 0 ? Nodes.Ok("both can be opened")
            : Nodes.Bad(wanted, string.Join("; ", bad), "On the host: sudo nvidia-modprobe -u -c 0; in a container: make it anew (docker compose up -d --force-recreate), for the device rights are given at its start");
    }

    public static IReadOnlyList<(string Path, string? Refused)> ReadNodes(params IEnumerable<string> paths) => [.. paths.Select(path => (path, Refused(path)))];

    static string? Refused(string path)
    {
        try
        {
            if (!File.Exists(path)) return "not there";
            using var node = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure is UnauthorizedAccessException ? "no permission" : failure.Message;
        }
    }

    /// <summary>NVIDIA (vendor 10de) display controllers (class 03) on the PCI bus.</summary>
    public static int CountOnBus(string devices = "/sys/bus/pci/devices") => !Directory.Exists(devices) ? 0
        : Directory.EnumerateDirectories(devices).Count(device => ProcText.Read(Path.Join(device, "vendor"))?.Trim() == "0x10de"
            && ProcText.Read(Path.Join(device, "class"))?.StartsWith("0x03", StringComparison.Ordinal) == true);
}
