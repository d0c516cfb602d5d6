using System.Buffers.Binary;
using System.IO.Hashing;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Framing of a journal file. Header: "MCNJ" and the format version (u32). Then frames: payload length (u32), CRC-32 of the
/// payload (u32), payload (one record as UTF-8 JSON). Little-endian. A torn tail is what a process leaves that died in the middle of a
/// frame; it ends the file and is no error.
/// </summary>
public static class JournalFrame
{
    public const int HeaderBytes = 8;
    public const int FrameBytes = 8;

    /// <summary>A record is at most this long; a larger length is a torn or foreign file.</summary>
    public const int MaxPayloadBytes = 1 << 20;

    static ReadOnlySpan<byte> Magic => "MCNJ"u8;

    public static byte[] Header(int version)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), (uint)version);
        return header;
    }

    /// <summary>The version in a header, or null when it is not one of ours.</summary>
    public static int? Version(ReadOnlySpan<byte> header) =>
        header.Length >= HeaderBytes && header[..4].SequenceEqual(Magic) ? (int)BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) : null;

    public static void Frame(ReadOnlySpan<byte> payload, Span<byte> frame)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Crc32.HashToUInt32(payload));
    }

    public static (int Length, uint Checksum) Parse(ReadOnlySpan<byte> frame) =>
        ((int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(frame)), BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]));
}
