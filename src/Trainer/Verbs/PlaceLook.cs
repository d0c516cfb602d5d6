using System.Diagnostics;
using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data.Disk;
using Mcn.Web.Trainer.Host.Checks;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>Looks at a folder by doing there what the program would do. May hang on a dead network disk: ask it through the doctor.</summary>
static class PlaceLook
{
    /// <summary>Makes a file and deletes it: permissions, a read-only mount, quotas and a full disk all answer for themselves. Makes no folder.</summary>
    public static PlaceReading ToWrite(string path)
    {
        var (nearest, exists) = Nearest(path);
        return Reading(path, exists, nearest, Refused(() =>
        {
            if (File.Exists(path) || File.Exists(nearest)) throw new IOException($"{(File.Exists(path) ? path : nearest)} is a file");
            // No Guid: it asks /dev/urandom, which a broken container lacks.
            var name = string.Create(CultureInfo.InvariantCulture, $".mcn-doctor-{Environment.ProcessId}-{Stopwatch.GetTimestamp()}");
            using var file = new FileStream(Path.Join(nearest, name), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
            file.WriteByte(1);
        }));
    }

    public static PlaceReading ToRead(string path)
    {
        var (nearest, exists) = Nearest(path);
        return Reading(path, exists, nearest, Refused(() => _ = Directory.EnumerateFileSystemEntries(path).FirstOrDefault()));
    }

    static PlaceReading Reading(string path, bool exists, string nearest, string? refused)
    {
        var device = BlockDevice.Of(nearest);
        var space = FileSystemSpace.Of(nearest);
        return new PlaceReading(path, exists, refused, new DiskReading(device.Mount, "data", space.TotalBytes, space.FreeBytes, space.TotalInodes, space.FreeInodes), device.FileSystem, device.IsRotational);
    }

    /// <summary>The folder, or the nearest thing above it that is there.</summary>
    static (string Path, bool Exists) Nearest(string path)
    {
        var full = Path.GetFullPath(path);
        var nearest = full;
        while (!Path.Exists(nearest) && Path.GetDirectoryName(nearest) is { } parent) nearest = parent;
        return (nearest, nearest == full && Directory.Exists(full));
    }

    static string? Refused(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure is UnauthorizedAccessException ? "no permission" : failure.Message;
        }
    }
}
