using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Positional, length-checked reads of one file after another with buffers that are kept. Small files are read whole by one call.
/// Never a memory map: a file that somebody truncates while it is mapped ends the process, here it is an error message.
/// One thread at a time.
/// </summary>
internal sealed class FileWindow : IDisposable
{
    readonly int _wholeFileBytes;
    readonly ReadMeter? _meter;
    SafeFileHandle? _handle;
    byte[] _content = [];
    byte[] _scratch = [];
    bool _whole;
    bool _borrowed;

    /// <param name="wholeFileBytes">Files up to this size are read whole when they are opened.</param>
    /// <param name="meter">Counts what is read and how long that takes.</param>
    public FileWindow(int wholeFileBytes, ReadMeter? meter = null) => (_wholeFileBytes, _meter) = (wholeFileBytes, meter);

    public string Path { get; private set; } = "";

    public long Length { get; private set; }

    /// <summary>Opens a file in place of the one before.</summary>
    public void Open(string path)
    {
        Close();
        Path = path;
        var began = Stopwatch.GetTimestamp();
        try
        {
            // ReadWrite | Delete: no advisory lock is taken, which saves a system call and matters on network mounts.
            _handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (Refusal.IsIo(e))
        {
            Close();
            throw Refusal.Io(path, e);
        }

        _meter?.Add(0, Stopwatch.GetTimestamp() - began); // the first seek of a file is that of its name
        if (Length > _wholeFileBytes) return;
        Fill(ref _content, 0, (int)Length);
        _whole = true;
        _handle.Dispose();
        _handle = null;
    }

    /// <summary>Takes bytes in memory in place of a file; for tests and for archives inside other files.</summary>
    public void Use(byte[] content, string subject)
    {
        Close();
        Path = subject;
        Length = content.Length;
        _content = content;
        _whole = _borrowed = true;
    }

    /// <summary>
    /// The bytes at an offset; they are valid until the next call (or until the next file, when this one was read whole).
    /// A range beyond the end of the file is refused before anything is allocated.
    /// </summary>
    public ReadOnlyMemory<byte> Bytes(long offset, long count)
    {
        if (offset < 0 || count < 0 || offset > Length || count > Length - offset)
        {
            throw Refusal.At(Path, Math.Clamp(offset, 0, Length), $"{count} bytes are announced at byte {offset}", $"a file of more than {Length} bytes");
        }

        if (_whole) return _content.AsMemory((int)offset, (int)count);
        if (count > Array.MaxLength) throw Refusal.At(Path, offset, $"a part of {count} bytes", "less than 2 GB", "Split the array");
        Fill(ref _scratch, offset, (int)count);
        return _scratch.AsMemory(0, (int)count);
    }

    public void Dispose() => Close();

    void Fill(ref byte[] buffer, long offset, int count)
    {
        if (buffer.Length < count) buffer = GC.AllocateUninitializedArray<byte>(Math.Max(count, (int)Math.Min(2L * buffer.Length, Array.MaxLength)));
        var done = 0;
        var began = Stopwatch.GetTimestamp();
        try
        {
            while (done < count)
            {
                var got = RandomAccess.Read(_handle!, buffer.AsSpan(done, count - done), offset + done);
                if (got == 0) throw Refusal.At(Path, offset + done, "the file ended here while it was read", $"{Length} bytes");
                done += got;
            }
        }
        catch (Exception e) when (Refusal.IsIo(e))
        {
            throw Refusal.Io(Path, e);
        }
        finally
        {
            _meter?.Add(done, Stopwatch.GetTimestamp() - began);
        }
    }

    void Close()
    {
        _handle?.Dispose();
        _handle = null;
        _whole = false;
        // The caller's bytes are not a buffer to read the next file into.
        if (_borrowed) _content = [];
        _borrowed = false;
        Length = 0;
    }
}
