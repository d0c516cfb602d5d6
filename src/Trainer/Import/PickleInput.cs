using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>The bytes of a pickle: a seekable stream behind a buffer. No length is believed beyond what is left of the stream.</summary>
internal sealed class PickleInput : IDisposable
{
    readonly Stream _stream;
    readonly long _origin;
    readonly byte[] _buffer;
    long _base;
    int _at;
    int _filled;

    public PickleInput(Stream stream, string subject, PickleLimits limits)
    {
        _stream = stream;
        Subject = subject;
        _origin = stream.Position;
        Length = stream.Length - _origin;
        _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(Length, 256, 1 << 17));
        if (Length > limits.MaxBytes) throw Refusal.At(subject, 0, $"a pickle of {Length} bytes", $"at most {limits.MaxBytes}");
    }

    public string Subject { get; }

    public long Length { get; }

    /// <summary>Offset of the next byte from the beginning of the pickle.</summary>
    public long Position => _base + _at;

    public long Left => Length - Position;

    public void Seek(long position)
    {
        if (position >= _base && position <= _base + _filled)
        {
            _at = (int)(position - _base);
            return;
        }

        _base = position;
        _at = _filled = 0;
        _stream.Position = _origin + position;
    }

    public byte Byte()
    {
        if (_at == _filled) Refill(1);
        return _buffer[_at++];
    }

    /// <summary>A few bytes (at most 256), valid until the next call.</summary>
    public ReadOnlySpan<byte> Few(int count)
    {
        if (_filled - _at < count) Refill(count);
        _at += count;
        return _buffer.AsSpan(_at - count, count);
    }

    /// <summary>A byte string of announced length.</summary>
    public byte[] Bytes(ulong count)
    {
        var length = Announced(count);
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        Copy(bytes);
        return bytes;
    }

    /// <summary>A string of announced length in bytes of UTF-8 (or Latin-1). Wrong UTF-8 becomes U+FFFD: Python allows lone surrogates here.</summary>
    public string Text(ulong count, Encoding encoding)
    {
        var length = Announced(count);
        if (length <= 256) return encoding.GetString(Few(length));
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Copy(bytes.AsSpan(0, length));
            return encoding.GetString(bytes, 0, length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>The text up to a newline, which is taken but not returned.</summary>
    public string Line()
    {
        Span<byte> line = stackalloc byte[256];
        var length = 0;
        for (var b = Byte(); b != (byte)'\n'; b = Byte())
        {
            if (length == line.Length) throw Refusal.At(Subject, Position, "a line of the pickle does not end", "at most 256 characters");
            line[length++] = b;
        }

        return Encoding.UTF8.GetString(line[..length]);
    }

    /// <summary>A whole number in text with its newline (protocol 0); 00 and 01 are its booleans, L its mark of long numbers.</summary>
    public object NumberLine() => Line() switch
    {
        "00" => false,
        "01" => true,
        var line => long.TryParse(line.TrimEnd('L'), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Refusal.At(Subject, Position, "a whole number cannot be read"),
    };

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Few(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Few(8));

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>The length of a value, which the rest of the input has.</summary>
    public int Announced(ulong count)
    {
        if (count > (ulong)Left) throw Refusal.At(Subject, Position, $"{count} bytes are announced", $"at most the remaining {Left}");
        if (count > (ulong)Array.MaxLength) throw Refusal.At(Subject, Position, $"one value of {count} bytes", "less than 2 GB");
        return (int)count;
    }

    /// <summary>The next bytes, of which there are enough.</summary>
    public void Copy(Span<byte> destination)
    {
        var buffered = Math.Min(destination.Length, _filled - _at);
        _buffer.AsSpan(_at, buffered).CopyTo(destination);
        _at += buffered;
        destination = destination[buffered..];
        if (destination.IsEmpty) return;
        _base += _filled;
        _at = _filled = 0;
        while (!destination.IsEmpty)
        {
            var got = ReadStream(destination);
            if (got == 0) throw EndOfFile();
            _base += got;
            destination = destination[got..];
        }
    }

    void Refill(int needed)
    {
        var rest = _filled - _at;
        if (needed > Left) throw EndOfFile();
        _buffer.AsSpan(_at, rest).CopyTo(_buffer);
        _base += _at;
        _at = 0;
        _filled = rest;
        while (_filled < needed)
        {
            var got = ReadStream(_buffer.AsSpan(_filled));
            if (got == 0) throw EndOfFile();
            _filled += got;
        }
    }

    int ReadStream(Span<byte> destination)
    {
        try
        {
            return _stream.Read(destination);
        }
        catch (IOException e)
        {
            throw Refusal.Io(Subject, e);
        }
    }

    Shared.UserError EndOfFile() => Refusal.At(Subject, Length, "the pickle ends in the middle of a value");
}
