using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Recording;

/// <summary>Files that are there whole or not at all, also after a power cut: temporary name, flush, rename, flush of the folder.</summary>
public static partial class DurableFile
{
    /// <summary>Replaces <paramref name="path"/> by what <paramref name="write"/> writes.</summary>
    /// <exception cref="IOException">Nothing half-written stays.</exception>
    public static void Replace(string path, Action<Stream> write)
    {
        var temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Makes the names in a folder durable.</summary>
    public static void FlushFolder(string folder)
    {
        const int readOnlyDirectoryCloseOnExec = 0x10000 | 0x80000;
        var descriptor = Open(folder, readOnlyDirectoryCloseOnExec);
        if (descriptor < 0) throw new IOException($"{folder}: cannot be opened to flush it (errno {Marshal.GetLastPInvokeError()})");
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (FlushDescriptor(descriptor) != 0) throw new IOException($"{folder}: cannot be flushed (errno {Marshal.GetLastPInvokeError()})");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushDescriptor(int descriptor);
}
