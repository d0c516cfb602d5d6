using System.Buffers.Binary;
using System.Text;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Bench;

/// <summary>
/// A generated index of HowTo100M's kind without features: a list, captions as Python's pickler writes them (protocol 4, every string
/// memoised, keys named by their memo), and word vectors. About 113 captions a video of 4 to 16 words, drawn from 60,000 with frequent
/// words frequent. Written as a stream: nothing of its size is ever in memory.
/// </summary>
sealed class IndexSet
{
    const int Words = 60_000;
    const int WordDimension = 300;

    readonly byte[][] words = [.. Enumerable.Range(0, Words).Select(word => Encoding.ASCII.GetBytes(Word(word)))];
    readonly CounterRandom random = new(1, RandomPurpose.SampleSet, 103);
    readonly byte[] buffer = new byte[300];
    int memo;

    /// <summary>Makes the set in a folder and returns its configuration and the number of captions.</summary>
    public static (string Config, long Captions) Make(string folder, int videos)
    {
        Directory.CreateDirectory(folder);
        using (var list = new StreamWriter(Path.Combine(folder, "videos.csv")))
        {
            list.Write("path\n");
            for (var video = 0; video < videos; video++) list.Write($"food_and_entertaining/video_{(char)('a' + (video % 26))}/{Id(video)}\n");
        }

        long captions;
        using (var stream = new FileStream(Path.Combine(folder, "caption.pickle"), FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
            captions = new IndexSet().Write(stream, videos);
        var vectors = new float[Words * WordDimension];
        for (var i = 0; i < vectors.Length; i++) vectors[i] = (i % 97) / 97f;
        Word2Vec.Write(Path.Combine(folder, "words.bin"), [.. Enumerable.Range(0, Words).Select(Word)], vectors, WordDimension, newlineAfterEach: true);
        var config = Path.Combine(folder, "index.json");
        File.WriteAllText(config, """{"data": {"train_csv": "videos.csv", "features_path": ".", "caption_path": "caption.pickle", "word2vec_path": "words.bin"}}""");
        return (config, captions);
    }

    static string Id(int video) => $"v{video:D10}"; // 11 characters, as YouTube's

    static string Word(int word) => $"w{word:x}";

    long Write(Stream stream, int videos)
    {
        var captions = 0L;
        stream.Write([0x80, 4, (byte)'}', 0x94, (byte)'(']);
        memo = 1;
        int[] keys = [0, 0, 0];
        for (var video = 0; video < videos; video++)
        {
            if (video > 0 && video % 1000 == 0) stream.Write("u("u8); // the pickler's batches
            Text(stream, Encoding.ASCII.GetBytes(Id(video)));
            stream.Write([(byte)'}', 0x94, (byte)'(']);
            memo++;
            var count = 60 + random.Next(107);
            captions += count;
            for (var field = 0; field < 3; field++)
            {
                Key(stream, keys, field);
                stream.Write([(byte)']', 0x94, (byte)'(']);
                memo++;
                for (var i = 0; i < count; i++)
                {
                    if (field < 2) Real(stream, Math.Round((i * 3.5) + (field * 3.2), 2));
                    else Text(stream, Sentence());
                }

                stream.WriteByte((byte)'e');
            }

            stream.WriteByte((byte)'u');
        }

        stream.Write("u."u8);
        return captions;
    }

    ReadOnlySpan<byte> Sentence()
    {
        var length = 0;
        for (var left = 4 + random.Next(13); left > 0; left--)
        {
            var word = words[(int)Math.Pow(Words - 1, random.NextDouble())];
            word.CopyTo(buffer, length);
            length += word.Length;
            buffer[length++] = (byte)' ';
        }

        return buffer.AsSpan(0, length - 1);
    }

    void Key(Stream stream, int[] keys, int field)
    {
        if (keys[field] == 0) // in the first video, below 256: one byte names it
        {
            keys[field] = memo;
            Text(stream, field switch { 0 => "start"u8, 1 => "end"u8, _ => "text"u8 });
            return;
        }

        stream.Write([(byte)'h', (byte)keys[field]]);
    }

    void Text(Stream stream, ReadOnlySpan<byte> text)
    {
        stream.Write([0x8c, (byte)text.Length]);
        stream.Write(text);
        stream.WriteByte(0x94);
        memo++;
    }

    static void Real(Stream stream, double number)
    {
        Span<byte> operation = stackalloc byte[9];
        operation[0] = (byte)'G';
        BinaryPrimitives.WriteDoubleBigEndian(operation[1..], number);
        stream.Write(operation);
    }
}
