using System.Text;

namespace Mcn.Web.Trainer.Crashes;

/// <param name="Lines">Of the beginning and of the end; between them one line that says how much is left out.</param>
/// <param name="Numbered">So many lines have their number; those after the gap have none.</param>
/// <param name="OmittedBytes">Not looked at.</param>
public sealed record LogText(IReadOnlyList<string> Lines, int Numbered, long OmittedBytes)
{
    public const int HeadBytes = 4 << 20;
    public const int TailBytes = 12 << 20;

    /// <summary>Reads at most the first and the last megabytes into memory, also of what cannot be sought in (a pipe).</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no text.</exception>
    public static LogText Read(Stream stream, int headBytes = HeadBytes, int tailBytes = TailBytes)
    {
        var head = new byte[headBytes];
        var headLength = stream.ReadAtLeast(head, headBytes, throwOnEndOfStream: false);
        if (head.AsSpan(0, Math.Min(headLength, 4096)).Contains((byte)0)) throw new InvalidDataException("bytes that are no text");
        var omitted = 0L;
        if (stream.CanSeek && stream.Length - headLength > tailBytes)
        {
            omitted = stream.Length - headLength - tailBytes;
            stream.Position += omitted;
        }

        // The last bytes, turned round and round.
        var ring = new byte[headLength < headBytes ? 0 : tailBytes];
        long tail = 0;
        while (ring.Length > 0 && stream.Read(ring, (int)(tail % tailBytes), tailBytes - (int)(tail % tailBytes)) is > 0 and var read) tail += read;
        if (tail > tailBytes) omitted += tail - tailBytes;
        byte[] ordered = tail <= tailBytes ? ring[..(int)tail] : [.. ring.AsSpan((int)(tail % tailBytes)), .. ring.AsSpan(0, (int)(tail % tailBytes))];
        if (omitted == 0) return Whole([.. head.AsSpan(0, headLength), .. ordered]);
        var first = Split(head.AsSpan(0, headLength));
        return new LogText([.. first, FormattableString.Invariant($"[… {omitted} bytes between these are not looked at …]"), .. Split(ordered)], first.Length, omitted);
    }

    static LogText Whole(ReadOnlySpan<byte> bytes)
    {
        var lines = Split(bytes.EndsWith("\n"u8) ? bytes[..^1] : bytes);
        return new LogText(lines, lines.Length, 0);
    }

    /// <summary>A progress bar ends its lines with a carriage return only: each state of it is a line, and the number stays that of an editor.</summary>
    static string[] Split(ReadOnlySpan<byte> bytes) =>
        [.. Encoding.UTF8.GetString(bytes).Split('\n').Select(line => line.TrimEnd('\r')).Select(line => line.Contains('\r', StringComparison.Ordinal) ? LastStates(line) : line)];

    /// <summary>Of a bar's states the first and the last are kept: what was printed over it stands there.</summary>
    static string LastStates(string line)
    {
        const int kept = 20;
        var states = line.Split('\r', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', states.Length <= 2 * kept ? states : [.. states.Take(kept), .. states.TakeLast(kept)]);
    }
}
