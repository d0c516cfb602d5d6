using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Reads members of zip archives with kept buffers: stored and deflated, CRC-32 verified. One thread at a time; what a call returns
/// is valid until the next call.
/// </summary>
/// <param name="meter">Counts what is read from files.</param>
internal sealed class ZipReader(ReadMeter? meter = null) : IDisposable
{
    /// <summary>Larger files are read part by part.</summary>
    const int WholeFileBytes = 8 << 20;

    /// <summary>No deflate stream expands by more than this (zlib's technical notes: 1032:1); a larger claim is a lie.</summary>
    const long MaxExpansion = 1032;

    readonly FileWindow _file = new(WholeFileBytes, meter);
    byte[] _inflated = [];

    public FileWindow File => _file;

    /// <summary>Looks a member up by the exact bytes of its name, in the file that is open.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out ZipMember member)
    {
        var directory = new ZipDirectory(_file);
        while (directory.MoveNext())
        {
            if (!directory.Name.SequenceEqual(name)) continue;
            member = directory.Member;
            return true;
        }

        member = default;
        return false;
    }

    /// <summary>Every member of the file that is open.</summary>
    public List<(string Name, ZipMember Member)> List()
    {
        var members = new List<(string, ZipMember)>();
        var directory = new ZipDirectory(_file);
        while (directory.MoveNext()) members.Add((Encoding.UTF8.GetString(directory.Name), directory.Member));
        return members;
    }

    /// <summary>The content of a member; <paramref name="subject"/> names it in messages.</summary>
    public ReadOnlyMemory<byte> Read(in ZipMember member, string subject)
    {
        if ((member.Flags & 1) != 0) throw Refusal.At(subject, member.HeaderOffset, "the member is encrypted", "an open archive", "Save it without a password");
        if (member.Method is not (0 or 8))
        {
            throw Refusal.At(subject, member.HeaderOffset, $"compression method {member.Method}", "0 (stored) or 8 (deflated)", "Save it with numpy.savez or numpy.savez_compressed");
        }

        var data = _file.Bytes(DataOffset(member, subject), member.CompressedSize);
        if (member.Method == 0 && member.Size != member.CompressedSize)
        {
            throw Refusal.At(subject, member.HeaderOffset, $"a stored member of {member.CompressedSize} bytes claims to be {member.Size}");
        }

        var content = member.Method == 0 ? data : Inflate(data, member, subject);
        var crc = FoldedCrc32.Of(content.Span); // as fast as memory, so it is always on
        if (crc != member.Crc) throw Refusal.At(subject, member.HeaderOffset, $"CRC-32 of the content is {crc:x8}", $"{member.Crc:x8}");
        return content;
    }

    public void Dispose() => _file.Dispose();

    long DataOffset(in ZipMember member, string subject)
    {
        var at = member.HeaderOffset;
        if (at > member.DirectoryOffset - 30) throw Refusal.At(subject, at, "the local header is announced here", $"before byte {member.DirectoryOffset}");
        var header = _file.Bytes(at, 30).Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != 0x04034b50) throw Refusal.At(subject, at, "no local header here", "the bytes 'PK' 3 4");
        var data = at + 30 + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (data > member.DirectoryOffset || member.CompressedSize > member.DirectoryOffset - data)
        {
            throw Refusal.At(subject, at, $"{member.CompressedSize} bytes of data are announced", $"at most {Math.Max(0, member.DirectoryOffset - data)}");
        }

        return data;
    }

    ReadOnlyMemory<byte> Inflate(ReadOnlyMemory<byte> data, in ZipMember member, string subject)
    {
        if (member.Size > (member.CompressedSize * MaxExpansion) + 64 || member.Size > Array.MaxLength)
        {
            throw Refusal.At(subject, member.HeaderOffset, $"{member.CompressedSize} deflated bytes claim to become {member.Size}", "at most 1032 times as many, below 2 GB");
        }

        MemoryMarshal.TryGetArray(data, out var segment);
        using var source = new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false);
        using var inflate = new DeflateStream(source, CompressionMode.Decompress);
        var size = (int)member.Size;
        var done = 0;
        try
        {
            while (done < size)
            {
                // Grows with what really comes out, so that a false size costs at most twice the true content.
                if (done == _inflated.Length) Array.Resize(ref _inflated, (int)Math.Min(size, Math.Max(1 << 20, 2L * done)));
                var got = inflate.Read(_inflated, done, Math.Min(size, _inflated.Length) - done);
                if (got == 0) break;
                done += got;
            }

            if (done == size && inflate.ReadByte() < 0) return _inflated.AsMemory(0, size);
        }
        catch (InvalidDataException)
        {
            throw Refusal.At(subject, member.HeaderOffset, $"the deflated data are damaged after {done} bytes of content");
        }

        throw Refusal.At(subject, member.HeaderOffset, done < size ? $"{done} bytes of content" : $"more than {size} bytes of content", $"{size}");
    }
}
