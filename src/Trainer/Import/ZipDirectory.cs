using System.Buffers.Binary;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Walks the central directory of a zip archive (PKWARE APPNOTE 6.3: end record, zip64 end record, central headers with zip64 extras).
/// Every count and offset is checked against the file before it is used.
/// </summary>
internal ref struct ZipDirectory
{
    const int EndSize = 22;
    const int HeaderSize = 46;

    readonly string _subject;
    readonly long _start;
    readonly ReadOnlySpan<byte> _bytes;
    long _left;
    int _at;

    public ZipDirectory(FileWindow file)
    {
        _subject = file.Path;
        if (file.Length == 0) throw Refusal.At(_subject, 0, "the file is empty", "a zip archive (.npz)");
        if (file.Length < EndSize) throw Refusal.At(_subject, 0, $"a file of {file.Length} bytes is no zip archive", "a zip archive (.npz)");
        var tailLength = Math.Min(file.Length, EndSize + ushort.MaxValue);
        var tail = file.Bytes(file.Length - tailLength, tailLength).Span;
        var end = FindEnd(tail);
        if (end < 0) throw Refusal.At(_subject, file.Length, "no end-of-central-directory record: the file is truncated or no zip archive", "a zip archive (.npz)");
        var endOffset = file.Length - tailLength + end;
        var record = tail[end..];
        _left = BinaryPrimitives.ReadUInt16LittleEndian(record[10..]);
        long size = BinaryPrimitives.ReadUInt32LittleEndian(record[12..]);
        _start = BinaryPrimitives.ReadUInt32LittleEndian(record[16..]);
        if (_left == ushort.MaxValue || size == uint.MaxValue || _start == uint.MaxValue)
        {
            ReadZip64End(file, endOffset, ref _left, ref size, ref _start);
        }

        if (_start < 0 || size < 0 || _start > endOffset || size > endOffset - _start)
        {
            throw Refusal.At(_subject, endOffset, $"a central directory of {size} bytes at byte {_start} is announced", $"one that ends before byte {endOffset}");
        }

        if (_left < 0 || _left > size / HeaderSize) throw Refusal.At(_subject, endOffset, $"{_left} members are announced", $"at most {size / HeaderSize}");
        _bytes = file.Bytes(_start, size).Span;
    }

    /// <summary>The member under the cursor.</summary>
    public ZipMember Member { get; private set; }

    /// <summary>Its name, UTF-8 or code page 437 (the same for ASCII).</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    public bool MoveNext()
    {
        if (_left == 0) return false;
        _left--;
        var at = _start + _at;
        var rest = _bytes[_at..];
        if (rest.Length < HeaderSize || BinaryPrimitives.ReadUInt32LittleEndian(rest) != 0x02014b50)
        {
            throw Refusal.At(_subject, at, "no central directory header here", "the bytes 'PK' 1 2");
        }

        var nameLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[28..]);
        var extraLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[30..]);
        var commentLength = BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
        var total = HeaderSize + nameLength + extraLength + commentLength;
        if (total > rest.Length) throw Refusal.At(_subject, at, "a central directory header reaches beyond the directory");

        long size = BinaryPrimitives.ReadUInt32LittleEndian(rest[24..]);
        long compressed = BinaryPrimitives.ReadUInt32LittleEndian(rest[20..]);
        long offset = BinaryPrimitives.ReadUInt32LittleEndian(rest[42..]);
        var wide = Zip64Extra(rest.Slice(HeaderSize + nameLength, extraLength));
        Widen(ref size, ref wide, at);
        Widen(ref compressed, ref wide, at);
        Widen(ref offset, ref wide, at);
        Name = rest.Slice(HeaderSize, nameLength);
        Member = new ZipMember(
            BinaryPrimitives.ReadUInt16LittleEndian(rest[10..]),
            BinaryPrimitives.ReadUInt16LittleEndian(rest[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(rest[16..]),
            compressed, size, offset, _start);
        _at += total;
        return true;
    }

    /// <summary>The last end record whose comment reaches exactly to the end of the file.</summary>
    static int FindEnd(ReadOnlySpan<byte> tail)
    {
        for (var at = tail.Length - EndSize; at >= 0; at--)
        {
            at = tail[..(at + 4)].LastIndexOf("PK\x05\x06"u8);
            if (at < 0) return -1;
            if (BinaryPrimitives.ReadUInt16LittleEndian(tail[(at + 20)..]) == tail.Length - at - EndSize) return at;
        }

        return -1;
    }

    readonly void ReadZip64End(FileWindow file, long endOffset, ref long count, ref long size, ref long start)
    {
        if (endOffset < 20) return;
        var locator = file.Bytes(endOffset - 20, 20).Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != 0x07064b50) return; // Exactly 65535 members and no zip64: legal.
        var at = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (at < 0 || at > endOffset - 20 - 56) throw Refusal.At(_subject, endOffset - 20, $"the zip64 end record is announced at byte {at}", $"at most byte {endOffset - 76}");
        var record = file.Bytes(at, 56).Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(record) != 0x06064b50) throw Refusal.At(_subject, at, "no zip64 end record here", "the bytes 'PK' 6 6");
        count = BinaryPrimitives.ReadInt64LittleEndian(record[32..]);
        size = BinaryPrimitives.ReadInt64LittleEndian(record[40..]);
        start = BinaryPrimitives.ReadInt64LittleEndian(record[48..]);
    }

    static ReadOnlySpan<byte> Zip64Extra(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4) break;
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) == 1) return extra.Slice(4, length);
            extra = extra[(4 + length)..];
        }

        return default;
    }

    readonly void Widen(ref long value, ref ReadOnlySpan<byte> wide, long at)
    {
        if (value != uint.MaxValue) return;
        if (wide.Length < 8) throw Refusal.At(_subject, at, "a size of the member is missing (no zip64 extra)");
        value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        if (value < 0) throw Refusal.At(_subject, at, $"a size or offset of {value} bytes");
        wide = wide[8..];
    }
}
