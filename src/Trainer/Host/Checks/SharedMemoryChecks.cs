using Mcn.Web.Shared.Telemetry;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>
/// /dev/shm and whose it is. Docker gives a container 64 MB of its own; `--ipc=host` gives it the host's instead, with whatever others left there,
/// and makes `--shm-size` void: a core dump that came and went with these flags is what this is for. Judgements are pure.
/// </summary>
static class SharedMemoryChecks
{
    const long DockerDefault = 64L << 20, Enough = 1L << 30;

    // PROC_IPC_INIT_INO and its kin of include/linux/proc_ns.h: the namespaces that the machine boots with.
    const string FirstIpc = "ipc:[4026531839]", FirstPid = "pid:[4026531836]", FirstHostname = "uts:[4026531838]";

    const string Larger = "docker run --shm-size=2g (compose: shm_size: 2g), and not --ipc=host, which makes --shm-size void";

    public static readonly Precondition Folder = new("shared-memory", "/dev/shm of 1 GiB or more, mostly free: loading needs none of it, NCCL and other programs die of SIGBUS without");
    public static readonly Precondition Namespace = new("ipc-namespace", "shared memory of one's own in a container (no --ipc=host)");

    public static Check Read() => Judge(SharedMemoryWatch.Read(), !OperatingSystem.IsWindows() && Directory.Exists(SharedMemoryWatch.Folder) ? File.GetUnixFileMode(SharedMemoryWatch.Folder) : null);

    /// <param name="disk">Null: there is none.</param>
    public static Check Judge(DiskReading? disk, UnixFileMode? mode)
    {
        if (disk is null) return Folder.Warning("no /dev/shm", "sudo mount -t tmpfs -o size=2g,mode=1777 tmpfs /dev/shm; in a container leave --ipc=none out");
        if (disk is not { TotalBytes: { } total, FreeBytes: { } free }) return Folder.Unknown("its size is not told", "df /dev/shm");
        var found = $"{Size(free)} of {Size(total)} free";
        if (mode is { } bits && (bits & (UnixFileMode.StickyBit | UnixFileMode.OtherWrite)) != (UnixFileMode.StickyBit | UnixFileMode.OtherWrite))
            return Folder.Warning($"{found}, but not everybody may write there (mode {Convert.ToString((int)bits, 8)})", "sudo chmod 1777 /dev/shm");
        if (total <= DockerDefault) return Folder.Warning($"{found}: Docker's default", Larger);
        if (total < Enough) return Folder.Warning(found, Larger);
        return DiskRules.Judge(disk, null).Any(finding => finding.Health == Health.Bad)
            ? Folder.Warning(found, "Remove what dead processes left there (ls -la /dev/shm), or make it larger: " + Larger)
            : Folder.Ok(found);
    }

    public static Check ReadNamespace() => JudgeNamespace(LinkOf("ipc"), InContainer());

    /// <summary>A host's name of one's own and another sign of it: a virtual machine made from an image has the image's files and none of the namespaces.</summary>
    static bool InContainer() => LinkOf("uts") is { } hostname && hostname != FirstHostname
        && (File.Exists("/.dockerenv") || File.Exists("/run/.containerenv") || LinkOf("pid") is { } pid && pid != FirstPid);

    /// <param name="ipc">As /proc/self/ns/ipc says.</param>
    public static Check JudgeNamespace(string? ipc, bool inContainer) => (ipc, inContainer) switch
    {
        (null, _) => Namespace.Unknown("/proc/self/ns/ipc cannot be read", "Mount /proc in this container"),
        (FirstIpc, true) => Namespace.Warning("this container uses the host's shared memory (--ipc=host): leftovers and full memory of others are met here", Larger),
        (FirstIpc, false) => Namespace.Ok("the machine's own, and no container"),
        _ => Namespace.Ok("its own"),
    };

    static string? LinkOf(string name)
    {
        try
        {
            return new FileInfo($"/proc/self/ns/{name}").LinkTarget;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
