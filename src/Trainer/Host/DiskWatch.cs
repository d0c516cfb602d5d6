using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Host;

/// <param name="Path">A file or folder; it need not exist yet.</param>
/// <param name="Purpose">Why it is watched: `data`, `features`, `tmp`.</param>
public sealed record WatchedPlace(string Path, string Purpose);

/// <summary>
/// Free space of the file systems below the places that matter, each file system once. A place on a dead network mount costs its
/// own figures and no other's.
/// </summary>
public sealed class DiskWatch
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    readonly IReadOnlyList<Watched> watched;

    public DiskWatch(IEnumerable<WatchedPlace> places) => watched = [.. places.Select(place => new Watched(place))];

    public IReadOnlyList<DiskReading> Read()
    {
        var mounts = MountTable.Read();
        return Merge(watched.Select(one => one.Look(mounts)));
    }

    /// <summary>
    /// One reading per file system, with all its purposes: `data,tmp`. The total is compared as well as the device, because a project
    /// quota gives each folder of one device a size of its own.
    /// </summary>
    internal static IReadOnlyList<DiskReading> Merge(IEnumerable<(Mount Mount, string Purpose, FileSystemSpace Space)> looks) =>
    [
        .. looks.GroupBy(look => (look.Mount.Device, look.Space.TotalBytes)).Select(same =>
        {
            var (mount, _, space) = same.First();
            var purpose = string.Join(',', same.Select(look => look.Purpose).Distinct());
            return new DiskReading(mount.Point, purpose, space.TotalBytes, space.FreeBytes, space.TotalInodes, space.FreeInodes);
        }),
    ];

    /// <summary>The nearest folder that is there, without links. May hang.</summary>
    static string Existing(string path)
    {
        var full = Path.GetFullPath(path);
        while (!Path.Exists(full) && Path.GetDirectoryName(full) is { } parent) full = parent;
        return FileSystemSpace.WithoutLinks(full);
    }

    sealed class Watched(WatchedPlace place)
    {
        readonly PatientCall<(string, FileSystemSpace)> look = new($"disk-{place.Purpose}", () => Ask(place.Path), Patience);
        string lastPath = Path.GetFullPath(place.Path);

        public (Mount, string, FileSystemSpace) Look(MountTable mounts)
        {
            var space = default(FileSystemSpace);
            try
            {
                if (look.TryGet(out var found)) (lastPath, space) = found;
            }
            catch (InvalidOperationException)
            {
                // A loop of links, no permission: the figures stay unknown, the place stays in the list.
            }

            return (mounts.Find(lastPath) ?? new Mount(lastPath, lastPath, "", "/"), place.Purpose, space);
        }

        static (string, FileSystemSpace) Ask(string path)
        {
            var existing = Existing(path);
            return (existing, FileSystemSpace.Of(existing));
        }
    }
}
