using System.Text;

namespace Mcn.Web.Trainer.Host;

/// <summary>The mounts that this process sees (/proc/self/mountinfo); reading it touches no file system and cannot hang.</summary>
sealed class MountTable
{
    readonly List<Mount> mounts = [];

    MountTable(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            // 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw
            var fields = line.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (fields.Length < 6 || dash < 0 || dash + 1 >= fields.Length) continue;
            mounts.Add(new Mount(Plain(fields[4]), Device: fields[2], FileSystem: fields[dash + 1], Root: Plain(fields[3])));
        }
    }

    public IReadOnlyList<Mount> Mounts => mounts;

    public static MountTable Read() => new(File.ReadLines("/proc/self/mountinfo"));

    public static MountTable Parse(string text) => new(text.Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>Where a path without links lies. Of two mounts on one point the later hides the earlier.</summary>
    public Mount? Find(string path) => mounts
        .Where(mount => path == mount.Point || mount.Point == "/" || path.StartsWith(mount.Point + "/", StringComparison.Ordinal))
        .Aggregate((Mount?)null, (best, mount) => best is null || mount.Point.Length >= best.Point.Length ? mount : best);

    /// <summary>Spaces and the like are written as octal numbers: `\040`.</summary>
    static string Plain(string field)
    {
        if (!field.Contains('\\', StringComparison.Ordinal)) return field;
        var bytes = new List<byte>();
        var raw = Encoding.UTF8.GetBytes(field);
        for (var i = 0; i < raw.Length; i++)
        {
            var octal = raw[i] == '\\' && i + 3 < raw.Length;
            bytes.Add(octal ? Octal(raw.AsSpan(i + 1, 3)) : raw[i]);
            if (octal) i += 3;
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    static byte Octal(ReadOnlySpan<byte> digits) => (byte)(((digits[0] - '0') << 6) | ((digits[1] - '0') << 3) | (digits[2] - '0'));
}

/// <param name="Point">Where it is mounted.</param>
/// <param name="Device">`major:minor`; the same for every bind mount of one file system.</param>
/// <param name="FileSystem">`ext4`, `tmpfs`, `cgroup2`, …</param>
/// <param name="Root">Which folder of the file system is mounted.</param>
sealed record Mount(string Point, string Device, string FileSystem, string Root);
