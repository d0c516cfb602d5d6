using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>Looks for values that are no number, over a whole array, as fast as it can be read. Owned by one thread.</summary>
sealed class FiniteScan
{
    const int Piece = 1 << 14;
    const ushort HalfExponent = 0x7C00;

    readonly float[] singles = new float[Piece];

    /// <summary>Index of the first element that is NaN or infinite in single precision; -1 when there is none.</summary>
    public long FirstNotFinite(HostArray array)
    {
        if (array.Type == ArrayType.Float16) return FirstNotFinite(array.As<ushort>());
        for (var at = 0L; at < array.Count; at += Piece)
        {
            var piece = singles.AsSpan(0, (int)Math.Min(Piece, array.Count - at));
            array.CopyTo((int)at, piece);
            if (TensorPrimitives.IsFiniteAll<float>(piece)) continue;
            for (var i = 0; i < piece.Length; i++)
                if (!float.IsFinite(piece[i])) return at + i;
        }

        return -1;
    }

    // On the bits, because half arithmetic is not vectorised: an exponent of all ones is infinity or NaN.
    static long FirstNotFinite(ReadOnlySpan<ushort> bits)
    {
        var mask = new Vector<ushort>(HalfExponent);
        var vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(bits);
        var at = 0;
        while (at < vectors.Length && !Vector.EqualsAny(vectors[at] & mask, mask)) at++;
        for (var i = at * Vector<ushort>.Count; i < bits.Length; i++)
            if ((bits[i] & HalfExponent) == HalfExponent) return i;
        return -1;
    }
}
