using System.IO.Hashing;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Follows one journal file while somebody writes it: hands out whole records in order and remembers the place. A torn tail is a record
/// that is still being written: it is asked for again, never skipped. Sequence numbers are places in the file, from 1. One reader.
/// </summary>
public sealed class JournalFollower(string path)
{
    long offset;
    bool foreign;

    public string Path { get; } = path;

    /// <summary>Sequence of the last record that was handed out or skipped; 0 at the beginning.</summary>
    public long Sequence { get; private set; }

    /// <summary>Bytes behind the place; an upper bound of what is still to be read.</summary>
    public long BytesLeft => foreign ? 0 : Math.Max(0, Length() - Math.Max(offset, JournalFrame.HeaderBytes));

    /// <summary>Goes to behind the given record; back to the beginning first where need be.</summary>
    /// <returns>False: the file does not have that many records (yet).</returns>
    public bool SeekBehind(long sequence)
    {
        if (sequence < Sequence) (offset, Sequence) = (0, 0);
        while (Sequence < sequence)
        {
            var skipped = Read((int)Math.Min(4096, sequence - Sequence), JournalFrame.MaxPayloadBytes);
            if (skipped.Count == 0) return false;
        }

        return true;
    }

    /// <summary>The next whole records: at most so many, of at most so many bytes together, but one at least where there is one.</summary>
    /// <returns>Payloads as they lie in the file; empty when nothing whole is there.</returns>
    public IReadOnlyList<byte[]> Read(int most, int mostBytes)
    {
        var records = new List<byte[]>();
        if (foreign || most <= 0 || Length() <= offset) return records;
        using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        if (offset == 0 && !SkipHeader(file)) return records;
        file.Position = offset;
        var frame = new byte[JournalFrame.FrameBytes];
        var bytes = 0;
        while (records.Count < most && file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            var (length, checksum) = JournalFrame.Parse(frame);
            if (length > JournalFrame.MaxPayloadBytes || (records.Count > 0 && bytes + length > mostBytes)) break;
            var payload = new byte[length];
            if (file.ReadAtLeast(payload, length, throwOnEndOfStream: false) < length || Crc32.HashToUInt32(payload) != checksum) break;
            records.Add(payload);
            bytes += length;
            offset += JournalFrame.FrameBytes + length;
            Sequence++;
        }

        return records;
    }

    bool SkipHeader(FileStream file)
    {
        var header = new byte[JournalFrame.HeaderBytes];
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) return false;
        foreign = JournalFrame.Version(header) is null or > ProtocolVersion.Journal;
        if (!foreign) offset = header.Length;
        return !foreign;
    }

    long Length()
    {
        var file = new FileInfo(Path);
        return file.Exists ? file.Length : 0;
    }
}
