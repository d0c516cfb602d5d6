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
    // Turned, infinities and NaN are all that lies beyond the finite halves on either side.
    const short Highest = 0x7BFF;
    const short Lowest = unchecked((short)(0xFBFF ^ 0x7FFF));

    /// <summary>Columns that go through the rows together, in registers.</summary>
    const int Strip = 4 * 16;

    /// <summary>Below every half.</summary>
    public static void Begin(Span<short> maximum) => maximum.Fill(short.MinValue);

    /// <summary>Takes in rows; false when one holds NaN or infinity, and then the maximum is of no use.</summary>
    /// <param name="rows">Whole rows of the width of <paramref name="maximum"/>.</param>
    public static bool Add(ReadOnlySpan<Half> rows, Span<short> maximum)
    {
        var bits = MemoryMarshal.Cast<Half, short>(rows);
        var width = maximum.Length;
        var (column, isFinite) = (0, true);
        if (Vector256.IsHardwareAccelerated)
        {
            for (; column <= width - Strip; column += Strip) isFinite &= AddStrip(bits[column..], width, maximum.Slice(column, Strip));
        }

        for (var row = 0; row < bits.Length && column < width; row += width)
        {
            for (var i = column; i < width; i++)
            {
                var value = Turned(bits[row + i]);
                isFinite &= value is >= Lowest and <= Highest;
                maximum[i] = Math.Max(maximum[i], value);
            }
        }

        return isFinite;
    }

    static bool AddStrip(ReadOnlySpan<short> bits, int width, Span<short> maximum)
    {
        var rest = Vector256.Create(short.MaxValue);
        var (a, b, c, d) = (Load(maximum, 0), Load(maximum, 1), Load(maximum, 2), Load(maximum, 3));
        var (high, low) = (Vector256.Create(short.MinValue), Vector256.Create(short.MaxValue));
        for (var row = 0; row < bits.Length; row += width)
        {
            var strip = bits.Slice(row, Strip); // one check of bounds for four loads
            var (first, second, third, fourth) = (Turned(Load(strip, 0), rest), Turned(Load(strip, 1), rest), Turned(Load(strip, 2), rest), Turned(Load(strip, 3), rest));
            (a, b, c, d) = (Vector256.Max(a, first), Vector256.Max(b, second), Vector256.Max(c, third), Vector256.Max(d, fourth));
            low = Vector256.Min(low, Vector256.Min(Vector256.Min(first, second), Vector256.Min(third, fourth)));
            high = Vector256.Max(high, Vector256.Max(Vector256.Max(first, second), Vector256.Max(third, fourth)));
        }

        a.CopyTo(maximum);
        b.CopyTo(maximum[16..]);
        c.CopyTo(maximum[32..]);
        d.CopyTo(maximum[48..]);
        return Vector256.LessThanOrEqualAll(high, Vector256.Create(Highest)) && Vector256.GreaterThanOrEqualAll(low, Vector256.Create(Lowest));
    }

    static Vector256<short> Load(ReadOnlySpan<short> from, int part) => Vector256.Create(from.Slice(part * 16, 16));

    static Vector256<short> Turned(Vector256<short> values, Vector256<short> rest) => values ^ (Vector256.ShiftRightArithmetic(values, 15) & rest);

    /// <summary>The maximum in single precision; spends <paramref name="maximum"/>.</summary>
    public static void Finish(Span<short> maximum, Span<float> destination)
    {
        var rest = Vector256.Create(short.MaxValue);
        var vectors = MemoryMarshal.Cast<short, Vector256<short>>(maximum);
        foreach (ref var values in vectors) values = Turned(values, rest);
        foreach (ref var value in maximum[(vectors.Length * Vector256<short>.Count)..]) value = Turned(value);
        TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<short, Half>(maximum), destination);
    }

    // Its own inverse.
    static short Turned(short bits) => (short)(bits ^ ((bits >> 15) & short.MaxValue));
}
