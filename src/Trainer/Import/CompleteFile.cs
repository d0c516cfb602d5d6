using System.Globalization;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Import;

/// <summary>Writes a file under a temporary name beside its place and renames it: a reader sees the whole file or none.</summary>
internal static class CompleteFile
{
    /// <remarks>No fsync: these are data sets that can be made again; after a power cut a file may be missing, and CRCs tell.</remarks>
    public static void Write(string path, Action<Stream> write) => Write(path, write, isNew: false);

    /// <summary>The same for a file that must not exist and that nobody can make again: flushed to the disk before it gets its name.</summary>
    public static void WriteNew(string path, Action<Stream> write) => Write(path, write, isNew: true);

    static void Write(string path, Action<Stream> write, bool isNew)
    {
        var temporary = string.Create(CultureInfo.InvariantCulture, $"{path}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}.tmp");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16))
            {
                write(stream);
                if (isNew) stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: !isNew);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError(path, $"cannot be written ({e.Message})", "", "Check free space and permissions of the folder", inner: e);
        }
        finally
        {
            if (File.Exists(temporary)) File.Delete(temporary);
        }
    }
}
