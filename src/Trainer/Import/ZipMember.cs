namespace Mcn.Web.Trainer.Import;

/// <summary>One member of a zip archive, as its central directory describes it.</summary>
/// <param name="Method">0 stored, 8 deflated.</param>
/// <param name="Flags">Bit 0: encrypted.</param>
/// <param name="Crc">CRC-32 of the content.</param>
/// <param name="CompressedSize">Bytes in the archive.</param>
/// <param name="Size">Bytes of the content.</param>
/// <param name="HeaderOffset">Where its local header begins.</param>
/// <param name="DirectoryOffset">Where the central directory begins: no member reaches beyond it.</param>
internal readonly record struct ZipMember(
    int Method, int Flags, uint Crc, long CompressedSize, long Size, long HeaderOffset, long DirectoryOffset);
