using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Numbers words in the order in which they are first met, from 0. A hundred million words are looked up while captions are read, and
/// most of that is waiting for memory: an ASCII word of at most eight characters (nearly all that is said) is its own key, in one table,
/// with no string to compare. Used by one thread.
/// </summary>
sealed class WordIds
{
    const int LongestKey = 8;
    const ulong Golden = 0x9E3779B97F4A7C15;
    const ulong IsPlace = 1UL << 63; // no ASCII word has this bit

    readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    (ulong Key, int Id)[] table = new (ulong, int)[1 << 12]; // open addressing, at most half full; key 0 is an empty place
    int used;
    ulong[] keys = [];
    int[] found = [];

    public WordIds() => lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Every word with its number.</summary>
    public Dictionary<string, int> All => ids;

    public int Count => ids.Count;

    /// <summary>
    /// Numbers of the words of a sentence in UTF-8, split as <see cref="Tokenizer"/> does. Valid until the next call.
    /// </summary>
    public ReadOnlySpan<int> IdsOf(ReadOnlySpan<byte> sentence)
    {
        if (!Ascii.IsValid(sentence)) return IdsOf(Encoding.UTF8.GetString(sentence));
        if (found.Length < sentence.Length) (keys, found) = (new ulong[2 * sentence.Length], new int[2 * sentence.Length]);

        // First every key, then every look-up: these do not depend on one another, so their waits for memory overlap.
        var count = Split(sentence, keys);
        for (var i = 0; i < count; i++)
        {
            var key = keys[i];
            ref var entry = ref table[PlaceOf(key)];
            found[i] = entry.Key == key ? entry.Id : (key & IsPlace) == 0 ? IdOf(key) : Known(sentence.Slice((int)(key >> 32) & int.MaxValue, (int)key));
        }

        return found.AsSpan(0, count);
    }

    /// <summary>The same of a decoded sentence.</summary>
    public ReadOnlySpan<int> IdsOf(string sentence)
    {
        if (found.Length < sentence.Length) (keys, found) = (new ulong[2 * sentence.Length], new int[2 * sentence.Length]);
        var count = 0;
        foreach (var token in Tokenizer.Enumerate(sentence)) found[count++] = IdOf(token);
        return found.AsSpan(0, count);
    }

    public int IdOf(ReadOnlySpan<char> word)
    {
        if (word.Length > LongestKey || !Ascii.IsValid(word)) return Known(word);
        var key = 0UL;
        for (var i = 0; i < word.Length; i++) key |= (ulong)word[i] << (8 * i);
        return IdOf(key);
    }

    public void Clear()
    {
        ids.Clear();
        (table, used) = (new (ulong, int)[1 << 12], 0);
    }

    // Keys of the words; of a longer one its place and length. No word has a zero character, so different words have different keys.
    static int Split(ReadOnlySpan<byte> sentence, Span<ulong> keys)
    {
        var count = 0;
        for (var at = 0; at < sentence.Length; at++)
        {
            if (!Tokenizer.IsAsciiWordPart(sentence[at])) continue;
            var begin = at;
            while (at < sentence.Length && Tokenizer.IsAsciiWordPart(sentence[at])) at++;
            keys[count++] = at - begin > LongestKey ? IsPlace | ((ulong)begin << 32) | (uint)(at - begin) : KeyAt(sentence, begin, at - begin);
        }

        return count;
    }

    // The characters side by side, the first lowest.
    static ulong KeyAt(ReadOnlySpan<byte> sentence, int begin, int length)
    {
        if (begin + LongestKey <= sentence.Length)
            return BinaryPrimitives.ReadUInt64LittleEndian(sentence[begin..]) & (ulong.MaxValue >> (8 * (LongestKey - length)));
        var key = 0UL;
        for (var i = 0; i < length; i++) key |= (ulong)sentence[begin + i] << (8 * i);
        return key;
    }

    int IdOf(ulong key)
    {
        for (var place = PlaceOf(key); ; place = (place + 1) & (table.Length - 1))
        {
            ref var entry = ref table[place];
            if (entry.Key == key) return entry.Id;
            if (entry.Key != 0) continue;
            Span<byte> word = stackalloc byte[LongestKey];
            BinaryPrimitives.WriteUInt64LittleEndian(word, key);
            entry = (key, Known(word.TrimEnd((byte)0)));
            var id = entry.Id;
            if (++used > table.Length / 2) Grow();
            return id;
        }
    }

    int Known(ReadOnlySpan<byte> ascii)
    {
        Span<char> word = ascii.Length <= 64 ? stackalloc char[ascii.Length] : new char[ascii.Length];
        Ascii.ToUtf16(ascii, word, out _);
        return Known(word);
    }

    int Known(ReadOnlySpan<char> word)
    {
        if (!lookup.TryGetValue(word, out var id)) ids.Add(word.ToString(), id = ids.Count);
        return id;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    int PlaceOf(ulong key) => (int)((key * Golden) >> 40) & (table.Length - 1);

    void Grow()
    {
        var old = table;
        table = new (ulong, int)[old.Length * 2];
        foreach (var entry in old)
        {
            if (entry.Key == 0) continue;
            var place = PlaceOf(entry.Key);
            while (table[place].Key != 0) place = (place + 1) & (table.Length - 1);
            table[place] = entry;
        }
    }
}
