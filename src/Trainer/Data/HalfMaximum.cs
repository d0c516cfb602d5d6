using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The elementwise maximum of rows in half precision without making singles of them: with the bits after the sign flipped in negative
/// numbers, whole numbers of 16 bits are in the order of the halves, +0 after -0, so the result is that of the conversion, to the last bit.
/// Pure; rows of one width.
/// </summary>
static class HalfMaximum
{
    const short Exponent = 0x7C00;

    /// <summary>Begins with a row; false when it holds NaN or infinity.</summary>
    public static bool Begin(ReadOnlySpan<Half> row, Span<short> maximum)
    {
        maximum.Fill(short.MinValue); // below every half
        return Add(row, maximum);
    }

    /// <summary>Takes in a row; false when it holds NaN or infinity, and then the maximum is of no use.</summary>
    public static bool Add(ReadOnlySpan<Half> row, Span<short> maximum)
    {
        var bits = MemoryMarshal.Cast<Half, short>(row);
        var (i, isFinite) = (0, true);
        if (Vector256.IsHardwareAccelerated)
        {
            var (exponent, rest, special) = (Vector256.Create(Exponent), Vector256.Create(short.MaxValue), Vector256<short>.Zero);
            for (; i <= bits.Length - Vector256<short>.Count; i += Vector256<short>.Count)
            {
                var values = Vector256.Create(bits[i..]);
                special |= Vector256.Equals(values & exponent, exponent);
                values ^= Vector256.ShiftRightArithmetic(values, 15) & rest;
                Vector256.Max(Vector256.Create((ReadOnlySpan<short>)maximum[i..]), values).CopyTo(maximum[i..]);
            }

            isFinite = special == Vector256<short>.Zero;
        }

        for (; i < bits.Length; i++)
        {
            isFinite &= (bits[i] & Exponent) != Exponent;
            maximum[i] = Math.Max(maximum[i], Turned(bits[i]));
        }

        return isFinite;
    }

    /// <summary>The maximum in single precision; spends <paramref name="maximum"/>.</summary>
    public static void Finish(Span<short> maximum, Span<float> destination)
    {
        foreach (ref var value in maximum) value = Turned(value);
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<short, Half>(maximum), destination);
    }

    // Its own inverse.
    static short Turned(short bits) => (short)(bits ^ ((bits >> 15) & short.MaxValue));
}
