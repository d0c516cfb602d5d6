using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>A cursor over the Python literal in an .npy header: strings, booleans and tuples of whole numbers, nothing else.</summary>
internal ref struct NpyHeaderText
{
    readonly ReadOnlySpan<byte> _text;
    readonly int _start;
    readonly string _subject;
    int _at;

    /// <param name="text">The literal.</param>
    /// <param name="start">Its offset in the file, for messages.</param>
    /// <param name="subject">The file, for messages.</param>
    public NpyHeaderText(ReadOnlySpan<byte> text, int start, string subject)
    {
        _text = text;
        _start = start;
        _subject = subject;
    }

    public readonly long Offset => _start + _at;

    public bool IsAt(char c)
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r') _at++;
        return _at < _text.Length && _text[_at] == c;
    }

    public bool Take(char c)
    {
        if (!IsAt(c)) return false;
        _at++;
        return true;
    }

    public void Expect(char c)
    {
        if (!Take(c)) throw Refusal.At(_subject, Offset, "the .npy header cannot be read", $"'{c}'");
    }

    public string Text()
    {
        var quote = IsAt('"') ? '"' : '\'';
        Expect(quote);
        var length = _text[_at..].IndexOf((byte)quote);
        if (length is < 0 or > 256) throw Refusal.At(_subject, Offset, "a string of the .npy header does not end");
        var text = Encoding.UTF8.GetString(_text.Slice(_at, length));
        _at += length + 1;
        return text;
    }

    public bool Boolean()
    {
        IsAt(' ');
        if (_text[_at..].StartsWith("True"u8)) { _at += 4; return true; }
        if (_text[_at..].StartsWith("False"u8)) { _at += 5; return false; }
        throw Refusal.At(_subject, Offset, "fortran_order cannot be read", "True or False");
    }

    public long[] Tuple(int maxCount)
    {
        Span<long> sizes = stackalloc long[maxCount];
        var count = 0;
        Expect('(');
        while (!Take(')'))
        {
            if (count == maxCount) throw Refusal.At(_subject, Offset, "the shape has too many dimensions", $"at most {maxCount}");
            sizes[count++] = Number();
            if (Take(',')) continue;
            Expect(')');
            break;
        }

        return sizes[..count].ToArray();
    }

    long Number()
    {
        IsAt(' ');
        var value = 0L;
        var first = _at;
        while (_at < _text.Length && _text[_at] is >= (byte)'0' and <= (byte)'9')
        {
            if (_at - first >= 18) throw Refusal.At(_subject, Offset, "a size in the shape is too large");
            value = (value * 10) + (_text[_at++] - '0');
        }

        if (_at == first) throw Refusal.At(_subject, Offset, "the shape cannot be read", "a whole number");
        if (_at < _text.Length && _text[_at] == (byte)'L') _at++; // Python 2 wrote long integers so.
        return value;
    }
}
