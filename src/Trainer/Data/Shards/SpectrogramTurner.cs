using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// Turns the frames of a clip, which lie frame by frame in a shard, into the (bands, T) of a batch, and pads them. This is most of the work
/// of reading a packed clip, so it goes in blocks of 16 x 8 through registers. Owned by one reader thread.
/// </summary>
/// <param name="padding">Decibels after the last frame.</param>
sealed class SpectrogramTurner(Half padding)
{
    const int Block = 8;
    const int BlockFrames = 2 * Block;

    /// <summary>Halves in one store of 64 bits.</summary>
    const int Together = 4;

    readonly Half[] ofCode = new Half[256];
    Half[] halves = [];
    float[] singles = [];
    (float Scale, float Offset) scale;

    /// <summary>Begins a record whose spectrogram is in 8 bits.</summary>
    public void Begin(float scale, float offset)
    {
        if (this.scale == (scale, offset)) return; // nearly always: decibels have one scale
        this.scale = (scale, offset);
        EightBit.Halves(scale, offset, ofCode);
    }

    /// <summary>Turns frames into the first columns of a destination.</summary>
    /// <param name="type">Half, single or double precision, or 8-bit codes.</param>
    /// <param name="bytes">(count, bands).</param>
    /// <param name="file">Where they come from, for messages.</param>
    /// <param name="at">Which frames they are.</param>
    /// <param name="limit">T: values of a row of the destination.</param>
    /// <param name="destination">(bands, T), from the first column to write.</param>
    public void Turn(ArrayType type, ReadOnlySpan<byte> bytes, string file, FrameSlice at, int bands, int limit, Span<Half> destination)
    {
        if (type == ArrayType.UInt8)
        {
            if (!SpectrogramCutter.AllFinite(ofCode)) throw NotFinite(file, at); // the record's greatest value is too large, whatever these frames hold
            TransposeCodes(bytes, at.Count, bands, limit, MemoryMarshal.Cast<Half, ushort>(destination));
            return;
        }

        var values = type == ArrayType.Float16 ? MemoryMarshal.Cast<byte, Half>(bytes) : Converted(type, bytes, at.Count * bands);
        if (!Transpose(MemoryMarshal.Cast<Half, ushort>(values), at.Count, bands, limit, MemoryMarshal.Cast<Half, ushort>(destination))) throw NotFinite(file, at);
    }

    /// <summary>Fills what comes after <paramref name="count"/> frames.</summary>
    public void Pad(int count, int bands, int limit, Span<Half> destination)
    {
        for (var band = 0; band < bands; band++) destination.Slice((band * limit) + count, limit - count).Fill(padding);
    }

    // Decibels in single or double precision are rounded to half, as from the original's layout.
    ReadOnlySpan<Half> Converted(ArrayType type, ReadOnlySpan<byte> bytes, int count)
    {
        if (halves.Length < count) halves = GC.AllocateUninitializedArray<Half>(count);
        var values = halves.AsSpan(0, count);
        if (singles.Length < count) singles = new float[count];
        HostArray.ToSingles(type, bytes, singles.AsSpan(0, count));
        TensorPrimitives.ConvertToHalf(singles.AsSpan(0, count), values);
        return values;
    }

    static UserError NotFinite(string file, FrameSlice at) => new(file,
        $"a spectrogram with NaN, infinity or a number too large for half precision in frames {at.First} to {at.First + at.Count - 1}",
        "decibels", "Pack this video again, or take it off the list");

    // Looked up and turned at one time: four frames of a band are one store. Eight bands together, so that what is stored to stays in the
    // first cache whatever T is.
    void TransposeCodes(ReadOnlySpan<byte> source, int count, int bands, int limit, Span<ushort> destination)
    {
        ref var halves = ref Unsafe.As<Half, ushort>(ref MemoryMarshal.GetArrayDataReference(ofCode)); // a byte is never beyond its 256
        var whole = count / Together * Together;
        for (var band = 0; band < bands; band += Block)
        {
            var block = Math.Min(Block, bands - band);
            for (var frame = 0; frame < whole; frame += Together)
            {
                // The slices check the bounds of a block, once.
                ref var from = ref MemoryMarshal.GetReference(source.Slice((frame * bands) + band, ((Together - 1) * bands) + block));
                ref var to = ref MemoryMarshal.GetReference(destination.Slice((band * limit) + frame, ((block - 1) * limit) + Together));
                for (var i = 0; i < block; i++)
                {
                    var four = At(ref halves, ref from, i) | (At(ref halves, ref from, i + bands) << 16) | (At(ref halves, ref from, i + (2 * bands)) << 32) | (At(ref halves, ref from, i + (3 * bands)) << 48);
                    Unsafe.WriteUnaligned(ref Unsafe.As<ushort, byte>(ref Unsafe.Add(ref to, i * limit)), four);
                }
            }
        }

        for (var band = 0; band < bands; band++)
            for (var frame = whole; frame < count; frame++) destination[(band * limit) + frame] = BitConverter.HalfToUInt16Bits(ofCode[source[(frame * bands) + band]]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong At(ref ushort halves, ref byte codes, int at) => Unsafe.Add(ref halves, (nint)Unsafe.Add(ref codes, at));

    /// <param name="source">(count, bands).</param>
    /// <param name="destination">(bands, limit), of which the first count columns are written.</param>
    /// <returns>Whether all values are finite.</returns>
    static bool Transpose(ReadOnlySpan<ushort> source, int count, int bands, int limit, Span<ushort> destination)
    {
        if (!Avx2.IsSupported || count < BlockFrames || bands < Block)
        {
            for (var band = 0; band < bands; band++)
                for (var frame = 0; frame < count; frame++) destination[(band * limit) + frame] = source[(frame * bands) + band];
            return SpectrogramCutter.AllFinite(MemoryMarshal.Cast<ushort, Half>(source));
        }

        var notFinite = Vector256<ushort>.Zero;
        for (var firstBand = 0; firstBand < bands; firstBand += Block)
        {
            for (var firstFrame = 0; firstFrame < count; firstFrame += BlockFrames)
            {
                // The last block overlaps the one before, so that none is smaller. The slices check its bounds, once.
                var (band, frame) = (Math.Min(firstBand, bands - Block), Math.Min(firstFrame, count - BlockFrames));
                var from = source.Slice((frame * bands) + band, ((BlockFrames - 1) * bands) + Block);
                var to = destination.Slice((band * limit) + frame, ((Block - 1) * limit) + BlockFrames);
                notFinite |= TransposeBlock(ref MemoryMarshal.GetReference(from), bands, ref MemoryMarshal.GetReference(to), limit);
            }
        }

        return notFinite == Vector256<ushort>.Zero;
    }

    // Three rounds of interleaving: pairs of rows by 16, 32 and 64 bits. The upper half does with frames 8 to 15 what the lower does with 0 to 7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ushort> TransposeBlock(ref ushort source, int sourceStride, ref ushort destination, int destinationStride)
    {
        var (a0, a1, a2, a3) = (Rows(ref source, sourceStride, 0), Rows(ref source, sourceStride, 1), Rows(ref source, sourceStride, 2), Rows(ref source, sourceStride, 3));
        var (a4, a5, a6, a7) = (Rows(ref source, sourceStride, 4), Rows(ref source, sourceStride, 5), Rows(ref source, sourceStride, 6), Rows(ref source, sourceStride, 7));
        var (b0, b1) = (Avx2.UnpackLow(a0, a1).AsUInt32(), Avx2.UnpackHigh(a0, a1).AsUInt32());
        var (b2, b3) = (Avx2.UnpackLow(a2, a3).AsUInt32(), Avx2.UnpackHigh(a2, a3).AsUInt32());
        var (b4, b5) = (Avx2.UnpackLow(a4, a5).AsUInt32(), Avx2.UnpackHigh(a4, a5).AsUInt32());
        var (b6, b7) = (Avx2.UnpackLow(a6, a7).AsUInt32(), Avx2.UnpackHigh(a6, a7).AsUInt32());
        var (c0, c1) = (Avx2.UnpackLow(b0, b2).AsUInt64(), Avx2.UnpackHigh(b0, b2).AsUInt64());
        var (c2, c3) = (Avx2.UnpackLow(b1, b3).AsUInt64(), Avx2.UnpackHigh(b1, b3).AsUInt64());
        var (c4, c5) = (Avx2.UnpackLow(b4, b6).AsUInt64(), Avx2.UnpackHigh(b4, b6).AsUInt64());
        var (c6, c7) = (Avx2.UnpackLow(b5, b7).AsUInt64(), Avx2.UnpackHigh(b5, b7).AsUInt64());
        Store(ref destination, destinationStride, 0, Avx2.UnpackLow(c0, c4));
        Store(ref destination, destinationStride, 1, Avx2.UnpackHigh(c0, c4));
        Store(ref destination, destinationStride, 2, Avx2.UnpackLow(c1, c5));
        Store(ref destination, destinationStride, 3, Avx2.UnpackHigh(c1, c5));
        Store(ref destination, destinationStride, 4, Avx2.UnpackLow(c2, c6));
        Store(ref destination, destinationStride, 5, Avx2.UnpackHigh(c2, c6));
        Store(ref destination, destinationStride, 6, Avx2.UnpackLow(c3, c7));
        Store(ref destination, destinationStride, 7, Avx2.UnpackHigh(c3, c7));
        return AllOnes(a0) | AllOnes(a1) | AllOnes(a2) | AllOnes(a3) | AllOnes(a4) | AllOnes(a5) | AllOnes(a6) | AllOnes(a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ushort> Rows(ref ushort first, int stride, int row) =>
        Vector256.Create(Vector128.LoadUnsafe(ref first, (nuint)(row * stride)), Vector128.LoadUnsafe(ref first, (nuint)((row + Block) * stride)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(ref ushort first, int stride, int row, Vector256<ulong> values) => values.AsUInt16().StoreUnsafe(ref first, (nuint)(row * stride));

    // Infinity and NaN: an exponent of all ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<ushort> AllOnes(Vector256<ushort> halves) => Vector256.Equals(halves & Vector256.Create<ushort>(0x7C00), Vector256.Create<ushort>(0x7C00));
}
