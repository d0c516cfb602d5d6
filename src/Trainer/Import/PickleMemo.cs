namespace Mcn.Web.Trainer.Import;

/// <summary>
/// What a pickle has put aside to name it again. A slot holds the value, or, when captions are streamed, only the offset of a string's
/// operation: nearly every string is put aside and almost none is ever named again, and 8 bytes instead of the string keep the
/// captions of a million videos in a few GB at most.
/// </summary>
internal sealed class PickleMemo
{
    const int PageSize = 4096;

    readonly List<Slot[]?> _pages = [];
    long _forgottenUpTo;

    /// <summary>Marks a value that streaming has let go.</summary>
    public static readonly object Gone = new();

    /// <summary>Number of slots that MEMOIZE has filled: its next index.</summary>
    public long Next { get; private set; }

    /// <summary>
    /// Sets a slot. The caller has bounded the index by the bytes read so far, so pages cost at most 48 bytes per input byte. They grow
    /// as they fill: a tensor in an evaluation set has four pickles of its own, each with a memo of a few entries.
    /// </summary>
    public void Put(long index, Slot slot)
    {
        var page = (int)(index / PageSize);
        while (_pages.Count <= page) _pages.Add(null);
        var (slots, place) = (_pages[page] ?? [], (int)(index % PageSize));
        if (place >= slots.Length) Array.Resize(ref slots, Math.Max(8, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)place + 1)));
        slots[place] = slot;
        _pages[page] = slots;
        if (slot.IsSet) Next = Math.Max(Next, index + 1);
    }

    /// <summary>The slot, unset when nothing was put there.</summary>
    public Slot Get(long index)
    {
        var page = index / PageSize;
        return page < _pages.Count && _pages[(int)page] is { } slots && index % PageSize < slots.Length ? slots[index % PageSize] : default;
    }

    /// <summary>
    /// After items were handed over: lets go of the containers that were put aside since the last call, so that they can be
    /// collected. Strings, numbers, names, types and small tuples stay: later items do name them again.
    /// </summary>
    public void ForgetContainers(object except)
    {
        for (; _forgottenUpTo < Next; _forgottenUpTo++)
        {
            var slot = Get(_forgottenUpTo);
            if (!ReferenceEquals(slot.Value, except) && !IsSmall(slot.Value)) Put(_forgottenUpTo, slot with { Value = Gone });
        }

        static bool IsSmall(object? value) => value switch
        {
            byte[] bytes => bytes.Length <= 64,
            object?[] tuple => tuple.Length <= 16 && Array.TrueForAll(tuple, m => m is not object?[] && IsSmall(m)),
            PickledArray or TorchStorage or HostArray or List<object?> or PackedList or Dictionary<object, object?> => false,
            _ => true,
        };
    }

    /// <summary>16 bytes: there is one for every string of a pickle.</summary>
    /// <param name="Value">The value; null also when a string is still in the file.</param>
    /// <param name="Code">With a value its depth + 1; for a string in the file minus the offset of its operation, minus 1; 0: unset.</param>
    public readonly record struct Slot(object? Value, long Code)
    {
        public static Slot StillInFile(long offset) => new(null, -offset - 1);

        public bool IsSet => Code != 0;

        /// <summary>Whether only the offset is kept.</summary>
        public bool InFile => Code < 0;

        public long Offset => -Code - 1;

        public int Depth => (int)Code - 1;
    }
}
