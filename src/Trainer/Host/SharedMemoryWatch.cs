using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Host;

/// <summary>
/// /dev/shm. Our own loading needs none of it, but what is full there kills others without a word (SIGBUS), and a container gets
/// 64 MiB unless told otherwise.
/// </summary>
public static class SharedMemoryWatch
{
    public const string Folder = "/dev/shm", Purpose = "shm";

    /// <summary>Null where there is no such file system.</summary>
    public static DiskReading? Read()
    {
        if (!Directory.Exists(Folder)) return null;
        var space = FileSystemSpace.Of(Folder); // memory, never a network: cannot hang
        return new DiskReading(Folder, Purpose, space.TotalBytes, space.FreeBytes, space.TotalInodes, space.FreeInodes);
    }
}
