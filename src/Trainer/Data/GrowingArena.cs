namespace Mcn.Web.Trainer.Data;

/// <summary>
/// A list that grows in pieces: no copy of gigabytes when it doubles, and one exact array at the end, to which the pieces move one
/// by one. Used by one thread.
/// </summary>
sealed class GrowingArena<T>
    where T : unmanaged
{
    const int PieceBits = 16;
    const int PieceLength = 1 << PieceBits;

    readonly List<T[]?> pieces = [];

    public int Count { get; private set; }

    public T this[int index]
    {
        get => pieces[index >> PieceBits]![index & (PieceLength - 1)];
        set => pieces[index >> PieceBits]![index & (PieceLength - 1)] = value;
    }

    public void Add(T value)
    {
        if ((Count & (PieceLength - 1)) == 0 && Count >> PieceBits == pieces.Count)
            pieces.Add(GC.AllocateUninitializedArray<T>(PieceLength));
        this[Count] = value;
        Count = checked(Count + 1);
    }

    /// <summary>Forgets every element from <paramref name="count"/> on.</summary>
    public void Shorten(int count) => Count = count;

    /// <summary>The first <paramref name="count"/> elements as one array; the arena is empty afterwards.</summary>
    public T[] Drain(int count)
    {
        var result = GC.AllocateUninitializedArray<T>(count);
        for (var piece = 0; piece < pieces.Count; piece++)
        {
            var from = piece * PieceLength;
            if (from < count) pieces[piece].AsSpan(0, Math.Min(PieceLength, count - from)).CopyTo(result.AsSpan(from));
            pieces[piece] = null;
        }

        pieces.Clear();
        Count = 0;
        return result;
    }
}
