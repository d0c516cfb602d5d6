using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class WordIdsTests
{
    /// <summary>Against a dictionary: words of 1 to 12 characters, many of them, repeated, some beyond ASCII, some alike but for length.</summary>
    [Fact]
    public void Every_word_has_the_number_of_its_first_mention()
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet, 7);
        var (ids, expected) = (new WordIds(), new Dictionary<string, int>(StringComparer.Ordinal));
        for (var i = 0; i < 60_000; i++)
        {
            var letters = "ab'_Zé語\u0100"; // U+0100 has a low byte of zero
            var word = string.Concat(Enumerable.Range(0, 1 + random.Next(12)).Select(_ => letters[random.Next(random.Next(4) == 0 ? letters.Length : 5)]));
            if (!expected.TryGetValue(word, out var id)) expected.Add(word, id = expected.Count);
            Assert.Equal(id, ids.IdOf(word));
        }

        Assert.True(expected.Count > 10_000);
        Assert.Equal(expected.Count, ids.Count);
        Assert.Equal(expected.OrderBy(pair => pair.Value), ids.All.OrderBy(pair => pair.Value));
    }

    /// <summary>Every ASCII character and some others, in sentences that end in words of every length.</summary>
    [Fact]
    public void A_sentence_in_UTF8_has_the_words_of_the_tokenizer()
    {
        var random = new CounterRandom(2, RandomPurpose.SampleSet, 7);
        var (ids, expected) = (new WordIds(), new WordIds());
        for (var i = 0; i < 20_000; i++)
        {
            var sentence = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(40) switch
            {
                0 => (char)random.Next(128),
                1 when i % 2 == 0 => "éß語½\u0301\u00a0"[random.Next(6)],
                < 6 => ' ',
                _ => "abcdeABZ09_'"[random.Next(12)],
            }));
            var words = Tokenizer.Split(sentence);
            Assert.Equal(words.Select(word => expected.IdOf(word)), ids.IdsOf(System.Text.Encoding.UTF8.GetBytes(sentence)).ToArray());
            Assert.Equal(words.Select(word => expected.IdOf(word)), ids.IdsOf(sentence).ToArray());
        }

        Assert.Equal(expected.All, ids.All);
        Assert.Contains(ids.All.Keys, word => word.Length > 20);
    }

    [Fact]
    public void After_clearing_it_begins_anew()
    {
        var ids = new WordIds();
        Assert.Equal((0, 1), (ids.IdOf("the"), ids.IdOf("refrigerator")));
        ids.Clear();
        Assert.Equal((0, 1, 2), (ids.IdOf("refrigerator"), ids.IdOf("the"), ids.Count));
    }
}
