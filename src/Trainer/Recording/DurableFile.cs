using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Recording;

/// <summary>Files that are there whole or not at all, also after a power cut: temporary name, flush, rename, flush of the folder.</summary>
public static unsafe partial class DurableFile
{
    // By the program's own scope: whoever replaces it for this process (a drill) is heard.
    static readonly delegate* unmanaged<int, int> Fsync = (delegate* unmanaged<int, int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "fsync");

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
                ToDisk(stream);
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

    /// <summary>Writes a file that is not there yet, in a folder that only its writer knows.</summary>
    /// <param name="bytes">What it will take, at least: asked for at once, so that a full disk is noticed before anything is written.</param>
    /// <exception cref="IOException">No space, or the flush failed: then what the disk holds is unknown, and only writing anew helps.</exception>
    public static void WriteNew(string path, long bytes, Action<Stream> write)
    {
        using var stream = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, PreallocationSize = bytes });
        write(stream);
        ToDisk(stream);
    }

    /// <summary>fsync, and its error: FileStream.Flush(true) of .NET 10 lets EIO pass in silence (seen with a preloaded fsync that fails).</summary>
    internal static void ToDisk(FileStream stream)
    {
        stream.Flush();
        Flush((int)stream.SafeFileHandle.DangerousGetHandle(), stream.Name);
    }

    static void Flush(int descriptor, string path)
    {
        if (Fsync(descriptor) == 0) return;
        var error = Marshal.GetLastSystemError();
        throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)} (the flush to disk failed, errno {error})");
    }

    /// <summary>Reads of this file come from the disk from now on, as far as the kernel lets go of its pages.</summary>
    public static void ForgetCache(FileStream stream)
    {
        const int dontNeed = 4;
        _ = posix_fadvise(stream.SafeFileHandle, 0, 0, dontNeed);
    }

    /// <summary>A second name for a file that nobody changes; a copy where the file system has no such thing.</summary>
    public static void LinkOrCopy(string existing, string path)
    {
        if (Link(existing, path) != 0) File.Copy(existing, path);
    }

    /// <summary>Makes the names in a folder durable.</summary>
    public static void FlushFolder(string folder)
    {
        const int readOnlyDirectoryCloseOnExec = 0x10000 | 0x80000;
        var descriptor = Open(folder, readOnlyDirectoryCloseOnExec);
        if (descriptor < 0) throw new IOException($"{folder}: cannot be opened to flush it (errno {Marshal.GetLastPInvokeError()})");
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        Flush(descriptor, folder);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);

    [LibraryImport("libc")]
    private static partial int posix_fadvise(SafeFileHandle file, long offset, long length, int advice);
}
