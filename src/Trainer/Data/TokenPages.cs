namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Word ids of captions in few bytes: each caption is its length in bytes, then its ids, all as variable-length numbers of 7 bits a byte,
/// lowest first. Ids of frequent words are small (vector files and first mentions both run from frequent to rare), so a word takes less
/// than two bytes instead of four. The captions of one video lie together in one page; pages, because the full data set has more bytes
/// than one array can hold. Written by one thread, then read by any.
/// </summary>
sealed class TokenPages
{
    const int PageBytes = 1 << 22;

    readonly List<byte[]> pages = [];
    byte[] pending = new byte[1 << 16];
    int pendingLength;
    int used = PageBytes;

    /// <summary>Appends a caption to the video being written.</summary>
    public void Add(ReadOnlySpan<int> ids)
    {
        var bytes = 0;
        foreach (var id in ids) bytes += SizeOf(id);
        var needed = pendingLength + bytes + SizeOf(bytes);
        if (pending.Length < needed) Array.Resize(ref pending, Math.Max(needed, 2 * pending.Length));
        var to = pending.AsSpan(pendingLength..needed);
        var at = Put(to, 0, bytes);
        foreach (var id in ids) at = Put(to, at, id);
        pendingLength = needed;
    }

    /// <summary>Forgets the captions added since the last <see cref="EndVideo"/>.</summary>
    public void Discard() => pendingLength = 0;

    /// <summary>The captions added since the last call are those of one video; the result is where they lie.</summary>
    public long EndVideo()
    {
        if (pages.Count == 0 || used + pendingLength > pages[^1].Length)
        {
            pages.Add(GC.AllocateUninitializedArray<byte>(Math.Max(PageBytes, pendingLength)));
            used = 0;
        }

        var place = ((long)(pages.Count - 1) << 32) | (uint)used;
        pending.AsSpan(0, pendingLength).CopyTo(pages[^1].AsSpan(used));
        used += pendingLength;
        pendingLength = 0;
        return place;
    }

    public void Clear()
    {
        pages.Clear();
        used = PageBytes;
    }

    /// <summary>Reads the captions of the video at a place, one after another.</summary>
    public Reader At(long place) => new(pages[(int)(place >> 32)].AsSpan((int)place));

    static int SizeOf(int number) => number < 1 << 7 ? 1 : number < 1 << 14 ? 2 : number < 1 << 21 ? 3 : number < 1 << 28 ? 4 : 5;

    static int Put(Span<byte> to, int at, int number)
    {
        for (var left = (uint)number; ; left >>= 7)
        {
            to[at++] = (byte)(left < 0x80 ? left : left | 0x80);
            if (left < 0x80) return at;
        }
    }

    /// <summary>A cursor over the captions of one video. The caller knows how many there are.</summary>
    public ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> rest = bytes;

        public void Skip(int captions)
        {
            for (; captions > 0; captions--)
            {
                var length = Take(ref rest);
                rest = rest[length..];
            }
        }

        /// <summary>The ids of the next caption into a buffer that grows when it must; the result is how many.</summary>
        public int Next(ref int[] ids)
        {
            var length = Take(ref rest);
            var caption = rest[..length];
            rest = rest[length..];
            if (ids.Length < length) ids = new int[2 * length]; // a word takes a byte at least
            var count = 0;
            while (!caption.IsEmpty) ids[count++] = Take(ref caption);
            return count;
        }

        static int Take(ref ReadOnlySpan<byte> from)
        {
            var (number, at) = (0, 0);
            for (var shift = 0; ; shift += 7)
            {
                var one = from[at++];
                number |= (one & 0x7F) << shift;
                if (one < 0x80) break;
            }

            from = from[at..];
            return number;
        }
    }
}
