using Mcn.Web.Shared.Telemetry;
using static Mcn.Web.Trainer.Host.Finding;

namespace Mcn.Web.Trainer.Host.Checks;

/// <summary>What is known of a folder and the disk below it.</summary>
/// <param name="Path">As it was asked for.</param>
/// <param name="Exists">As a folder; otherwise the nearest folder above it was looked at.</param>
/// <param name="Refused">Why no file can be made there (or, of features, why they cannot be listed); null: it can.</param>
/// <param name="FileSystem">`ext4`, `tmpfs`, `nfs4`, …</param>
/// <param name="IsRotational">As the kernel says; null: it does not.</param>
sealed record PlaceReading(string Path, bool Exists, string? Refused, DiskReading Disk, string FileSystem, bool? IsRotational);

/// <summary>The data folder, the temporary one, the features and the room for checkpoints. Judgements are pure; thresholds are those of the alerts.</summary>
static class StorageChecks
{
    static readonly string[] Networks = ["nfs", "cifs", "smb", "fuse", "9p", "lustre", "ceph", "glusterfs"];

    public static readonly Precondition Data = new("data-folder", "a folder that can be written (--data): journal, checkpoints and crash reports go there");
    public static readonly Precondition Space = new("data-space", "free space for checkpoints; the alert disk_space_low comes below the same mark");
    public static readonly Precondition Inodes = new("data-inodes", "inodes left: without one, writing fails with bytes free");
    public static readonly Precondition Disk = new("data-disk", "a disk of this machine that outlives a container and a reboot");
    public static readonly Precondition Temporary = new("temp-folder", "a temporary folder that can be written: plan --probe and dumps of dying processes use it");
    public static readonly Precondition Features = new("features-folder", "the configuration's features, readable");
    public static readonly Precondition FeaturesDisk = new("features-disk", "a disk that reads at random places quickly, or a pack that is read in one stream");
    public static readonly Precondition Room = new("checkpoint-room", "room for the checkpoints that are kept, the one being written, and checkpoint.reserve_bytes");

    public static IEnumerable<Check> JudgeData(PlaceReading place)
    {
        yield return place.Refused is { } why ? Data.Fail($"{place.Path}: {why}", $"sudo install -d -o \"$USER\" {place.Path}, or name another folder with --data (a disk that is mounted read-only: mount -o remount,rw)")
            : Data.Ok(place.Exists ? place.Path : $"{place.Path} is not there yet and will be made");
        var low = DiskRules.Judge(place.Disk, null).Where(finding => finding.Health == Health.Bad).Select(finding => finding.Code).ToHashSet();
        var disk = place.Disk;
        yield return disk is not { FreeBytes: { } free, TotalBytes: { } total } ? Space.Unknown($"{disk.Mount} does not tell its size", $"df -h {disk.Mount}")
            : low.Contains("disk_space_low") ? Space.Warning($"{Size(free)} of {Size(total)} free on {disk.Mount}", "Delete old runs or checkpoints (./mcn checkpoint list RUN), lower checkpoint.keep_last, or move --data to a larger disk")
            : Space.Ok($"{Size(free)} of {Size(total)} free on {disk.Mount}");
        yield return disk is not { FreeInodes: { } left, TotalInodes: { } all } ? Inodes.Ok($"{disk.Mount} makes them as they are needed")
            : low.Contains("inodes_low") ? Inodes.Warning($"{left:N0} of {all:N0} left on {disk.Mount}", "Delete or pack folders of many small files (./mcn data pack)")
            : Inodes.Ok(FormattableString.Invariant($"{left:N0} of {all:N0} left on {disk.Mount}"));
        yield return JudgeDisk(place);
    }

    static Check JudgeDisk(PlaceReading place)
    {
        var kind = Kind(place);
        return place.FileSystem switch
        {
            "" or "unknown" => Disk.Unknown("the kernel does not tell what lies there", $"findmnt -T {place.Path}"),
            "tmpfs" or "ramfs" => Disk.Warning($"{kind}: memory, gone after a reboot", "Name a folder on a disk with --data"),
            "overlay" => Disk.Warning($"{kind}: a container's own layer, gone with it", "docker run -v /a/folder:/var/lib/mcn, and --data /var/lib/mcn"),
            var network when Networks.Any(name => network.StartsWith(name, StringComparison.Ordinal)) =>
                Disk.Warning($"{kind}: a network disk, and checkpoints wait while its server does", "Name a folder on a disk of this machine with --data, and copy runs away afterwards"),
            _ => Disk.Ok(kind),
        };
    }

    public static Check JudgeTemporary(PlaceReading place) => place.Refused is { } why
        ? Temporary.Warning($"{place.Path}: {why}", "export TMPDIR=/a/folder/that/can/be/written, or sudo chmod 1777 /tmp")
        : DiskRules.Judge(place.Disk, null).Any(finding => finding.Health == Health.Bad)
            ? Temporary.Warning($"{place.Path}: {Size(place.Disk.FreeBytes ?? 0)} and {place.Disk.FreeInodes} inodes free", $"Make room there (du -xh -d2 {place.Path} | sort -h | tail), or set TMPDIR")
            : Temporary.Ok(place.Path);

    /// <param name="packed">The features are read from a pack.</param>
    public static IEnumerable<Check> JudgeFeatures(PlaceReading place, bool packed)
    {
        if (place.Refused is { } why)
        {
            yield return Features.Fail($"{place.Path}: {why}", "Correct the path in the configuration, mount the disk, or let this user read it (in a container: docker run -v FOLDER:FOLDER:ro)");
            yield break;
        }

        yield return Features.Ok(place.Path);
        yield return place.IsRotational == true && !packed
            ? FeaturesDisk.Warning($"{Kind(place)}: small files at random places are slow there (a virtual disk may be called rotational and be fast: ./mcn data info measures it)", "./mcn data pack CONFIG OUT, and data.shards in the configuration")
            : FeaturesDisk.Ok(Kind(place) + (packed ? ", packed" : ""));
    }

    /// <param name="bytes">Of one checkpoint, by the plan.</param>
    /// <param name="kept">keep_last + keep_best; epochs and pinned ones come on top.</param>
    public static Check JudgeRoom(long? free, long bytes, int kept, long reserve)
    {
        if (free is not { } left) return Room.Unknown("the disk does not tell its free space", "df -h on the data folder");
        var needed = checked(((kept + 1) * bytes) + reserve);
        var found = $"{Size(left)} free; a checkpoint takes about {Size(bytes)}, {kept} are kept, {Size(needed)} in all";
        const string remedy = "Make room, lower checkpoint.keep_last or keep_best, or move --data to a larger disk";
        return left < bytes + reserve ? Room.Fail(found, remedy) : left < needed ? Room.Warning(found, remedy) : Room.Ok(found);
    }

    static string Kind(PlaceReading place) => place.FileSystem + place.IsRotational switch { true => ", rotational", false => ", not rotational", null => "" } + $" on {place.Disk.Mount}";
}
