namespace Mcn.Web.Trainer.Import;

/// <summary>A large file from front to back through one buffer: look at bytes in place, then skip them.</summary>
internal sealed class SequentialBytes
{
    readonly Stream _stream;
    readonly string _subject;
    readonly long _length;
    byte[] _buffer;
    long _base;
    int _at;
    int _filled;

    public SequentialBytes(Stream stream, string subject)
    {
        _stream = stream;
        _subject = subject;
        _length = stream.Length - stream.Position;
        _buffer = new byte[(int)Math.Clamp(_length, 1, 1 << 20)];
    }

    public long Position => _base + _at;

    public long Left => _length - Position;

    /// <summary>Whether the last <see cref="PeekTo"/> found its end.</summary>
    public bool Found { get; private set; }

    /// <summary>The next bytes, valid until the next call; the end of the file before them is refused.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_filled - _at < count) Refill(count);
        return _buffer.AsSpan(_at, count);
    }

    /// <summary>The bytes before the next <paramref name="end"/>, which is looked for within <paramref name="most"/> bytes.</summary>
    public ReadOnlySpan<byte> PeekTo(byte end, int most)
    {
        var length = _buffer.AsSpan(_at, Math.Min(_filled - _at, most + 1)).IndexOf(end);
        if (length < 0)
        {
            var there = (int)Math.Min(most + 1, Left);
            if (_filled - _at < there) Refill(there);
            length = _buffer.AsSpan(_at, there).IndexOf(end);
        }

        Found = length >= 0;
        return _buffer.AsSpan(_at, Math.Max(length, 0));
    }

    /// <summary>Goes past bytes that were looked at.</summary>
    public void Skip(int count) => _at += count;

    void Refill(int needed)
    {
        if (needed > Left) throw Refusal.At(_subject, _length, $"the file ends here, {needed - Left} bytes too early");
        var rest = _filled - _at;
        var target = _buffer.Length < needed ? new byte[needed] : _buffer;
        _buffer.AsSpan(_at, rest).CopyTo(target);
        _buffer = target;
        _base += _at;
        _at = 0;
        _filled = rest;
        try
        {
            while (_filled < needed)
            {
                var got = _stream.Read(_buffer, _filled, _buffer.Length - _filled);
                if (got == 0) throw Refusal.At(_subject, _base + _filled, "the file ended here while it was read");
                _filled += got;
            }
        }
        catch (IOException e)
        {
            throw Refusal.Io(_subject, e);
        }
    }
}
