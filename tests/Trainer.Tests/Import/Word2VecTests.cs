using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class Word2VecTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Only_wanted_words_are_kept(bool newlines)
    {
        using var folder = new TempFolder();
        var path = folder.File("w.bin");
        Word2Vec.Write(path, ["one", "zwölf", "three"], [1, 2, 3, 4, 5, 6], 2, newlines);
        var (words, vectors, dimension) = Word2Vec.Read(path, new HashSet<string> { "three", "zwölf", "missing" });
        Assert.Equal(["zwölf", "three"], words);
        Assert.Equal([3f, 4, 5, 6], vectors);
        Assert.Equal(2, dimension);
        Assert.Equal(3, Word2Vec.Read(path, null).Words.Count);
    }

    [Fact]
    public void A_repeated_word_keeps_its_first_vector()
    {
        using var folder = new TempFolder();
        Word2Vec.Write(folder.File("w.bin"), ["a", "b", "a"], [1, 2, 3], 1, false);
        var (words, vectors, _) = Word2Vec.Read(folder.File("w.bin"), null);
        Assert.Equal(["a", "b"], words);
        Assert.Equal([1f, 2], vectors);
    }

    [Theory]
    [InlineData("1000000000 300\nword ", "1000000000 words")]
    [InlineData("3 2\na 12345678b 1234567", "too early|at most")]
    [InlineData("nonsense\n", "first line")]
    [InlineData("1 0\na ", "first line")]
    [InlineData("1 -1\na ", "first line")]
    [InlineData("", "first line")]
    [InlineData("1 1\nabcdefgh", "does not end")]
    public void Files_that_do_not_fit_are_refused(string text, string words)
    {
        var message = Arrays.Refused(() => Word2Vec.Read(new MemoryStream(System.Text.Encoding.Latin1.GetBytes(text)), "w.bin", null), "w.bin: at byte");
        Assert.Contains(words.Split('|'), word => message.Contains(word, StringComparison.Ordinal));
    }

    [Fact]
    public void Damaged_files_end_in_user_errors()
    {
        using var folder = new TempFolder();
        Word2Vec.Write(folder.File("w.bin"), ["one", "two", "three", "four"], new float[40], 10, true);
        Mutations.OnlyUserErrors(File.ReadAllBytes(folder.File("w.bin")), bytes => Word2Vec.Read(new MemoryStream(bytes), "w.bin", null));
    }

    [Theory]
    [InlineData("golden/word2vec.bin", 20)]
    [InlineData("data/digits-3m/train/words.bin", 300)]
    public void Shared_vectors_are_read_in_full(string name, int dimension)
    {
        var path = SharedData.Find(name);
        Assert.SkipWhen(path is null, SharedData.SkipReason);
        var (words, vectors, found) = Word2Vec.Read(path!, null);
        Assert.Equal(dimension, found);
        Assert.Equal(words.Count * dimension, vectors.Length);
        Assert.All(vectors, v => Assert.InRange(v, -100, 100));
        if (dimension == 300) Assert.Equal(145, words.Count);
    }
}
