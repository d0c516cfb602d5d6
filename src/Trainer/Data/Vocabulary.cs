using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The words that occur in the captions and have a word vector. Ids run from 1 in the order of the vector file; 0 is padding and
/// its vector is zero. Words are case-sensitive. Immutable; safe from any thread.
/// </summary>
public sealed class Vocabulary
{
    readonly Dictionary<string, int> ids;
    readonly string[] words;

    /// <param name="words">The words, without duplicates; word i gets id i+1.</param>
    /// <param name="vectors">(words, dimension), row by row.</param>
    /// <param name="dimension">Width of a vector.</param>
    public Vocabulary(IReadOnlyList<string> words, ReadOnlySpan<float> vectors, int dimension)
    {
        if ((long)words.Count * dimension != vectors.Length) throw new ArgumentException("one vector for each word", nameof(vectors));
        this.words = [.. words];
        Dimension = dimension;
        Vectors = new float[checked((words.Count + 1) * dimension)];
        vectors.CopyTo(Vectors.AsSpan(dimension));
        ids = new Dictionary<string, int>(words.Count, StringComparer.Ordinal);
        for (var i = 0; i < words.Count; i++) ids.Add(words[i], i + 1);
    }

    /// <summary>Words, padding not counted.</summary>
    public int Count => words.Length;

    /// <summary>Width of a vector.</summary>
    public int Dimension { get; }

    /// <summary>(Count + 1, Dimension), row by row; row 0 is zero.</summary>
    public float[] Vectors { get; }

    /// <summary>Id of a word, or 0 when it has no vector.</summary>
    public int IdOf(string word) => ids.GetValueOrDefault(word);

    /// <summary>The word of an id from 1.</summary>
    public string WordOf(int id) => words[id - 1];

    /// <summary>Ids of the known words of a sentence, cut after the filter (mcn-spec Q19) and filled up with 0.</summary>
    public void Encode(string sentence, Span<int> destination)
    {
        var lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        var count = 0;
        foreach (var token in Tokenizer.Enumerate(sentence))
        {
            if (count == destination.Length) break;
            if (lookup.TryGetValue(token, out var id)) destination[count++] = id;
        }

        destination[count..].Clear();
    }

    /// <summary>Reads the vectors of the wanted words.</summary>
    /// <param name="word2vec">File in Google's binary layout.</param>
    /// <param name="wanted">Words of the captions, training and evaluation.</param>
    /// <param name="dimension">model.we_dim, which the file must have.</param>
    public static Vocabulary Read(string word2vec, IReadOnlySet<string> wanted, int dimension)
    {
        var file = Word2Vec.Read(word2vec, wanted);
        if (file.Dimension != dimension)
        {
            throw new UserError(word2vec, $"vectors of {file.Dimension} values", $"model.we_dim = {dimension}",
                "Set model.we_dim to the file's width or data.word2vec_path to another file");
        }

        if (file.Words.Count == 0)
        {
            throw new UserError(word2vec, $"none of the {wanted.Count} words of the captions", "at least one known word",
                "Check that the captions and the vectors are of one language and spelling");
        }

        return new Vocabulary(file.Words, file.Vectors, file.Dimension);
    }
}
