namespace Mcn.Web.Trainer.Data;

/// <summary>
/// What is said in the captions. Words keep the numbers that they got when they were first met, before it was known which have a vector;
/// those without, and those beyond max_words, fall away when a caption is read. Opening so saves a pass over a hundred million words
/// for a look-up at each that is used. Immutable; safe from any thread.
/// </summary>
/// <param name="pages">Numbers of the words of each entry's captions.</param>
/// <param name="placeOfEntry">Entry → where its captions lie.</param>
/// <param name="idOfWord">Number of a word → its id in the <see cref="Vocabulary"/>, 0 without a vector.</param>
/// <param name="maxWords">Words of a caption that count, after the filter (mcn-spec Q19).</param>
sealed class CaptionWords(TokenPages pages, long[] placeOfEntry, int[] idOfWord, int maxWords)
{
    /// <summary>Reads the captions of an entry, one after another.</summary>
    public Reader Of(int entry) => new(this, pages.At(placeOfEntry[entry]));

    int Keep(Span<int> words)
    {
        var kept = 0;
        foreach (var word in words)
        {
            if (kept == maxWords) break;
            if (idOfWord[word] is not 0 and var id) words[kept++] = id; // in place: what is kept never overtakes what is read
        }

        return kept;
    }

    /// <summary>A cursor. The caller knows how many captions there are.</summary>
    public ref struct Reader(CaptionWords words, TokenPages.Reader captions)
    {
        TokenPages.Reader captions = captions;

        public void Skip(int count) => captions.Skip(count);

        /// <summary>The ids of the next caption into a buffer that grows when it must; the result is how many.</summary>
        public int Next(ref int[] ids)
        {
            var count = captions.Next(ref ids);
            return words.Keep(ids.AsSpan(0, count));
        }
    }
}
