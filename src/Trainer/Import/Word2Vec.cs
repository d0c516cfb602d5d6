using System.Buffers.Text;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// Word vectors in Google's binary layout: a line "count dimension", then per word its UTF-8 bytes, a space and
/// <c>dimension</c> little-endian singles; a newline before a word is skipped.
/// </summary>
public static class Word2Vec
{
    const int MaxWordBytes = 4096;
    const int MaxDimension = 65536;

    /// <summary>
    /// Reads the words of <paramref name="wanted"/> (all when null) in the order of the file. Vectors[i * Dimension ..] belongs to
    /// Words[i]. A word that occurs twice keeps its first vector. Words that are not wanted cost no allocation: they are looked up by bytes.
    /// </summary>
    public static (IReadOnlyList<string> Words, float[] Vectors, int Dimension) Read(string path, IReadOnlySet<string>? wanted)
    {
        using var stream = SequentialFile.Open(path);
        return Read(stream, path, wanted);
    }

    /// <summary>The same from a seekable stream.</summary>
    public static (IReadOnlyList<string> Words, float[] Vectors, int Dimension) Read(Stream stream, string subject, IReadOnlySet<string>? wanted)
    {
        var input = new SequentialBytes(stream, subject);
        var (count, dimension) = Header(input, subject);
        var vectorBytes = dimension * sizeof(float);
        var names = wanted?.ToDictionary(Encoding.UTF8.GetBytes, word => word, Utf8Words.Comparer).GetAlternateLookup<ReadOnlySpan<byte>>();
        var words = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var most = wanted is null ? count : Math.Min(count, wanted.Count);
        if (most * dimension > Array.MaxLength) throw Refusal.At(subject, 0, $"{most} words of {dimension} numbers", $"at most {Array.MaxLength} numbers", "Ask for fewer words");
        var vectors = new float[most * dimension];
        for (var i = 0L; i < count; i++)
        {
            while (input.Peek(1)[0] == (byte)'\n') input.Skip(1);
            var wordAt = input.Position;
            var bytes = input.PeekTo((byte)' ', MaxWordBytes);
            if (!input.Found) throw Refusal.At(subject, wordAt, $"word {i + 1} of {count} does not end", $"a space within {MaxWordBytes} bytes");
            string? word = null;
            if (names is null) word = Decode(bytes, subject, wordAt);
            else names.Value.TryGetValue(bytes, out word);
            input.Skip(bytes.Length + 1);
            var vector = input.Peek(vectorBytes);
            if (word is not null && seen.Add(word))
            {
                vector.CopyTo(MemoryMarshal.AsBytes(vectors.AsSpan(words.Count * dimension, dimension)));
                words.Add(word);
            }

            input.Skip(vectorBytes);
        }

        if (words.Count * dimension < vectors.Length) Array.Resize(ref vectors, words.Count * dimension);
        return (words, vectors, dimension);
    }

    /// <summary>Writes the layout that <see cref="Read(string, IReadOnlySet{string})"/> reads, complete or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="words">Words without spaces and newlines.</param>
    /// <param name="vectors">words.Count x dimension.</param>
    /// <param name="dimension">Numbers per word.</param>
    /// <param name="newlineAfterEach">As word2vec itself writes; GoogleNews has none.</param>
    public static void Write(string path, IReadOnlyList<string> words, ReadOnlySpan<float> vectors, int dimension, bool newlineAfterEach)
    {
        if (vectors.Length != (long)words.Count * dimension) throw new ArgumentException($"{words.Count} words of {dimension} numbers need {(long)words.Count * dimension}, not {vectors.Length}");
        var copy = vectors.ToArray();
        CompleteFile.Write(path, stream =>
        {
            stream.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{words.Count} {dimension}\n")));
            for (var i = 0; i < words.Count; i++)
            {
                if (words[i].AsSpan().ContainsAny(' ', '\n')) throw new ArgumentException($"A word may not contain a space or newline: '{words[i]}'");
                stream.Write(Encoding.UTF8.GetBytes(words[i]));
                stream.WriteByte((byte)' ');
                stream.Write(MemoryMarshal.AsBytes(copy.AsSpan(i * dimension, dimension)));
                if (newlineAfterEach) stream.WriteByte((byte)'\n');
            }
        });
    }

    static (long Count, int Dimension) Header(SequentialBytes input, string subject)
    {
        var line = input.PeekTo((byte)'\n', 64);
        if (!input.Found
            || !Utf8Parser.TryParse(line, out long count, out var used) || used >= line.Length || line[used] != (byte)' '
            || !Utf8Parser.TryParse(line[(used + 1)..].TrimEnd((byte)'\r').TrimEnd((byte)' '), out int dimension, out var usedToo)
            || usedToo == 0 || count < 0 || dimension is < 1 or > MaxDimension)
        {
            throw Refusal.At(subject, 0, "the first line cannot be read", "'count dimension', as in word2vec's binary format", "Give the binary file (GoogleNews-vectors-negative300.bin), unpacked");
        }

        input.Skip(line.Length + 1);
        var least = (dimension * sizeof(float)) + 1L;
        if (count > input.Left / least) throw Refusal.At(subject, 0, $"{count} words of {dimension} numbers are announced", $"at most {input.Left / least} in the remaining {input.Left} bytes");
        return (count, dimension);
    }

    static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    static string Decode(ReadOnlySpan<byte> bytes, string subject, long at)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Refusal.At(subject, at, "a word is not UTF-8");
        }
    }

    /// <summary>Words by their bytes, so that a word of the file is looked up without becoming a string.</summary>
    sealed class Utf8Words : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static Utf8Words Comparer { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] word) => GetHashCode(word.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> word) => (int)XxHash3.HashToUInt64(word);

        public byte[] Create(ReadOnlySpan<byte> word) => word.ToArray();
    }
}
