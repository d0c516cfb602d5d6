using System.IO.Compression;

namespace Mcn.Web.Trainer.Import;

/// <summary>Whole .npz archives: writing them, and reading all arrays at once where speed does not matter.</summary>
public static class Npz
{
    /// <summary>Zip cannot date anything earlier; a fixed date makes equal content equal bytes.</summary>
    static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Every array of an archive by its key. The memory is the result's own.</summary>
    public static Dictionary<string, HostArray> ReadAll(string path)
    {
        using var zip = new ZipReader();
        zip.File.Open(path);
        return ReadAll(zip);
    }

    /// <summary>The same from bytes in memory; <paramref name="subject"/> names them in messages.</summary>
    public static Dictionary<string, HostArray> ReadAll(byte[] archive, string subject)
    {
        using var zip = new ZipReader();
        zip.File.Use(archive, subject);
        return ReadAll(zip);
    }

    static Dictionary<string, HostArray> ReadAll(ZipReader zip)
    {
        var path = zip.File.Path;
        var arrays = new Dictionary<string, HostArray>(StringComparer.Ordinal);
        var members = zip.List();
        var compressed = members.Aggregate((Int128)0, (sum, m) => sum + m.Member.CompressedSize);
        // Members that share their bytes are the trick of zip bombs.
        if (compressed > zip.File.Length) throw Refusal.At(path, 0, $"members of {compressed} bytes together", $"at most the file's {zip.File.Length}");
        foreach (var (name, member) in members)
        {
            var key = NpzReader.KeyOf(name);
            var subject = $"{path} : {Refusal.Show(key)}";
            var array = Npy.Read(zip.Read(member, subject), subject);
            if (!arrays.TryAdd(key, new HostArray(array.Type, array.Shape, array.Data.ToArray())))
            {
                throw Refusal.At(subject, member.HeaderOffset, "the key occurs twice", "one array per key");
            }
        }

        return arrays;
    }

    /// <summary>Writes an archive as numpy.savez (or savez_compressed) does, complete or not at all.</summary>
    public static void Write(string path, IReadOnlyList<(string Key, HostArray Array)> arrays, bool compress) => CompleteFile.Write(path, stream =>
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var (key, array) in arrays)
        {
            var entry = zip.CreateEntry(key + ".npy", compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
            entry.LastWriteTime = Epoch;
            using var member = entry.Open();
            Npy.Write(member, array);
        }
    });
}
