using System.Runtime.CompilerServices;

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

    readonly Dictionary<string, int> ids = new(StringComparer.Ordinal);
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    (ulong Key, int Id)[] table = new (ulong, int)[1 << 12]; // open addressing, at most half full; key 0 is an empty place
    int used;

    public WordIds() => lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Every word with its number.</summary>
    public Dictionary<string, int> All => ids;

    public int Count => ids.Count;

    public int IdOf(ReadOnlySpan<char> word)
    {
        var key = KeyOf(word);
        if (key == 0) return Known(word);
        for (var place = PlaceOf(key); ; place = (place + 1) & (table.Length - 1))
        {
            ref var entry = ref table[place];
            if (entry.Key == key) return entry.Id;
            if (entry.Key != 0) continue;
            entry = (key, Known(word));
            var id = entry.Id;
            if (++used > table.Length / 2) Grow();
            return id;
        }
    }

    public void Clear()
    {
        ids.Clear();
        (table, used) = (new (ulong, int)[1 << 12], 0);
    }

    int Known(ReadOnlySpan<char> word)
    {
        if (!lookup.TryGetValue(word, out var id)) ids.Add(word.ToString(), id = ids.Count);
        return id;
    }

    // The characters side by side; 0 when they do not fit. No word has a zero character, so different words have different keys.
    static ulong KeyOf(ReadOnlySpan<char> word)
    {
        if (word.Length > LongestKey) return 0;
        var (key, any) = (0UL, 0);
        foreach (var c in word)
        {
            key = (key << 8) | c;
            any |= c;
        }

        return any < 128 ? key : 0;
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
