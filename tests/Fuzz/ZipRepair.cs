using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Mcn.Web.Fuzz;

/// <summary>
/// Writes the true CRC-32 and sizes of each member into a changed archive. Without it nearly every change ends at the checksum and the
/// readers behind it are never reached; with it what is inside the archive is fuzzed as if it stood alone. The checks of the archive
/// itself stay as they are.
/// </summary>
static class ZipRepair
{
    const int MostContent = 1 << 16;

    public static byte[] Of(byte[] archive)
    {
        var bytes = archive.AsSpan();
        for (var at = 0; ; at++)
        {
            var next = at < bytes.Length ? bytes[at..].IndexOf("PK\x01\x02"u8) : -1;
            if (next < 0) return archive;
            at += next;
            if (bytes.Length - at >= 46) Member(archive, bytes[at..]);
        }
    }

    static void Member(byte[] archive, Span<byte> header)
    {
        long local = BinaryPrimitives.ReadUInt32LittleEndian(header[42..]);
        long stored = BinaryPrimitives.ReadUInt32LittleEndian(header[20..]);
        if (local > archive.Length - 30) return;
        var names = archive.AsSpan((int)local + 26);
        var data = local + 30 + BinaryPrimitives.ReadUInt16LittleEndian(names) + BinaryPrimitives.ReadUInt16LittleEndian(names[2..]);
        if (stored > archive.Length - data) return;
        var method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        var content = method == 8 ? Inflated(archive, (int)data, (int)stored) : archive.AsSpan((int)data, (int)stored);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], Crc32.HashToUInt32(content));
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], content.Length);
    }

    static Span<byte> Inflated(byte[] archive, int data, int stored)
    {
        var content = new byte[MostContent];
        using var inflate = new DeflateStream(new MemoryStream(archive, data, stored), CompressionMode.Decompress);
        try
        {
            return content.AsSpan(0, inflate.ReadAtLeast(content, content.Length, throwOnEndOfStream: false));
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }
}
