using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>The folder of a pack: who may write there, whether there is room, what lies there.</summary>
static class PackFolder
{
    /// <summary>Makes the folder and holds it; the lock goes with the process.</summary>
    public static FileStream Lock(string folder)
    {
        Directory.CreateDirectory(folder);
        var foreign = Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).FirstOrDefault(name => name != ShardFormat.Lock);
        if (foreign is not null && !File.Exists(Path.Combine(folder, ShardFormat.Plan)))
            throw new UserError(folder, $"the folder has other content ({foreign})", "a new or empty folder, or an interrupted pack", "Name another folder", ExitCodes.Refused);
        var path = Path.Combine(folder, ShardFormat.Lock);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException error) when (error is not DirectoryNotFoundException)
        {
            throw new UserError(path, "another `data pack` writes there", "one at a time", "Wait for it", ExitCodes.Refused, error);
        }
    }

    public static void RequireSame(string folder, PackPlan plan)
    {
        var path = Path.Combine(folder, ShardFormat.Plan);
        if (!File.Exists(path)) return;
        var there = DurableJson.Read(path, ShardJson.Default.PackPlan);
        if (there == plan) return;
        throw new UserError(folder, $"a pack of other data or settings (encoding {there.Encoding}, source {there.SourceFingerprint})",
            $"encoding {plan.Encoding}, source {plan.SourceFingerprint}", "Name another folder, or delete this one", ExitCodes.Refused);
    }

    /// <param name="bytes">Of the whole pack; what an interrupted one has written counts as there.</param>
    public static void RequireSpace(string folder, long bytes)
    {
        var there = Directory.EnumerateFiles(folder, "shard-*").Sum(file => new FileInfo(file).Length);
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (bytes - there <= free) return;
        throw new UserError(folder, FormattableString.Invariant($"{free / 1e9:F2} GB free"), FormattableString.Invariant($"{Math.Max(0, bytes - there) / 1e9:F2} GB"),
            "Make room, name a folder on another disk, or pack less (--fit-gb, --videos, --captions, --encoding)", ExitCodes.Refused);
    }

    /// <summary>Shards of a pack that was once longer.</summary>
    public static void DeleteShardsFrom(string folder, int count)
    {
        var last = ShardFormat.TarOf(count - 1);
        foreach (var file in Directory.GetFiles(folder, "shard-*"))
        {
            var name = Path.GetFileName(file);
            if (name.EndsWith(".tmp", StringComparison.Ordinal) || string.CompareOrdinal(name.Split('.')[0], last.Split('.')[0]) > 0) File.Delete(file);
        }
    }

    public static void DeleteIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
    }

    /// <summary>The rows of the list whose video was packed, in the list's order: a batch is the same rows then.</summary>
    public static void WriteList(Stream stream, VideoList videos, HashSet<string> packed)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine("path");
        for (var video = 0; video < videos.Count; video++)
        {
            var path = videos.PathOf(video);
            if (!packed.Contains(path)) continue;
            writer.WriteLine(path.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{path.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : path);
        }
    }
}
