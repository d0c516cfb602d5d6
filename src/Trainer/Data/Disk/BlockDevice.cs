using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>The disk below a path, as the kernel describes it.</summary>
/// <param name="Mount">Mount point.</param>
/// <param name="FileSystem">`ext4`, `tmpfs`, `nfs4`, …</param>
/// <param name="Name">Block device, such as `sda`; null where there is none (network, memory).</param>
/// <param name="IsRotational">The kernel's flag; null where there is no block device. Virtual disks often say true whatever lies below.</param>
public sealed record BlockDevice(string Mount, string FileSystem, string? Name, bool? IsRotational)
{
    public static BlockDevice Of(string path)
    {
        var mount = MountTable.Read().Find(FileSystemSpace.WithoutLinks(Path.GetFullPath(path)));
        return mount is null ? new BlockDevice("/", "unknown", null, null) : Of(mount.Point, mount.FileSystem, $"/sys/dev/block/{mount.Device}");
    }

    /// <param name="link">/sys/dev/block/MAJOR:MINOR, a link to the device or to its partition.</param>
    internal static BlockDevice Of(string mount, string fileSystem, string link)
    {
        if (!Directory.Exists(link)) return new BlockDevice(mount, fileSystem, null, null);
        var folder = FileSystemSpace.WithoutLinks(link);
        if (!Directory.Exists(Path.Combine(folder, "queue"))) folder = Path.GetDirectoryName(folder)!; // a partition: the queue is its disk's
        var flag = Path.Combine(folder, "queue", "rotational");
        return new BlockDevice(mount, fileSystem, Path.GetFileName(folder), File.Exists(flag) ? File.ReadAllText(flag).Trim() == "1" : null);
    }
}
