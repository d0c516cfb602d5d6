using System.Text.Json;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Sentences to tokens, to known words, to word matrices.</summary>
static class TextParity
{
    public static void Tokenizer(GoldenFolder golden, ParityReport report)
    {
        var described = golden.Json("tokenizer.json");
        var (maxWords, width) = (described.GetProperty("max_words").GetInt32(), described.GetProperty("we_dim").GetInt32());
        string[] words = [.. described.GetProperty("vocab").EnumerateArray().Select(word => word.GetString()!)];
        var vocabulary = Vocabulary.Read(golden.FileOf("word2vec.bin"), words.ToHashSet(StringComparer.Ordinal), width);
        report.Same("word2vec.words", Enumerable.Range(1, vocabulary.Count).Select(vocabulary.WordOf).Order(StringComparer.Ordinal), words.Order(StringComparer.Ordinal));
        var arrays = golden.Arrays("tokenizer.npz");
        report.Near("word2vec.vectors", [.. words.SelectMany(word => Vector(vocabulary, vocabulary.IdOf(word)))], arrays.Singles("vocab_vectors"), 0);

        var matrices = arrays.Singles("sentence_we");
        var ids = new int[maxWords];
        var number = 0;
        foreach (var sentence in described.GetProperty("sentences").EnumerateArray())
        {
            var text = PythonValue.Text(Value(sentence.GetProperty("input")))!;
            report.Same($"tokenizer.{number}.tokens", Data.Tokenizer.Split(text), Strings(sentence, "tokens"));
            vocabulary.Encode(text, ids);
            report.Same($"tokenizer.{number}.in_vocab", ids.TakeWhile(id => id != 0).Select(vocabulary.WordOf), Strings(sentence, "in_vocab"));
            var size = maxWords * width;
            report.Near($"tokenizer.{number}.matrix", [.. ids.SelectMany(id => Vector(vocabulary, id))], matrices.AsSpan(number * size, size), 0);
            number++;
        }
    }

    internal static IEnumerable<string> Strings(JsonElement item, string key) => item.GetProperty(key).EnumerateArray().Select(text => text.GetString()!);

    internal static IEnumerable<float> Vector(Vocabulary vocabulary, int id) => vocabulary.Vectors.Skip(id * vocabulary.Dimension).Take(vocabulary.Dimension);

    static object? Value(JsonElement input) => input.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number => input.GetInt64(),
        _ when input.GetString() == "float:nan" => double.NaN,
        _ => input.GetString(),
    };
}
