using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>
/// Numbers in 8 bits: value = offset + scale x byte, with a scale and an offset for a row, so that its least value is byte 0 and its
/// greatest byte 255. The error is at most half a scale. Pure.
/// </summary>
static class EightBit
{
    const float Steps = 255;

    /// <summary>Decibels of a spectrogram: 0.31 dB a step, the same for every video.</summary>
    public static (float Scale, float Offset) Decibels => (80 / Steps, -80);

    /// <summary>Scale and offset of a row of finite values.</summary>
    public static (float Scale, float Offset) RangeOf(ReadOnlySpan<float> row)
    {
        if (row.IsEmpty) return (0, 0);
        var (least, most) = (TensorPrimitives.Min(row), TensorPrimitives.Max(row));
        return (((most / Steps) - (least / Steps)), least); // divided first: the difference of two large values may overflow
    }

    public static void Quantise(ReadOnlySpan<float> row, float scale, float offset, Span<byte> bytes)
    {
        if (scale <= 0)
        {
            bytes.Clear();
            return;
        }

        for (var i = 0; i < row.Length; i++) bytes[i] = (byte)Math.Clamp(MathF.Round((row[i] - offset) / scale), 0, Steps);
    }

    public static void Expand(ReadOnlySpan<byte> bytes, float scale, float offset, Span<float> row)
    {
        TensorPrimitives.ConvertTruncating(bytes, row);
        TensorPrimitives.Multiply(row, scale, row);
        TensorPrimitives.Add(row, offset, row);
    }

    /// <summary>What each byte means in half precision.</summary>
    /// <param name="halves">256 values.</param>
    public static void Halves(float scale, float offset, Span<Half> halves)
    {
        for (var i = 0; i < halves.Length; i++) halves[i] = (Half)(offset + (scale * i));
    }

    /// <summary>
    /// Takes a row into the elementwise maximum of the expansions of several, in one pass and to the same bits as <see cref="Expand"/> and a
    /// maximum (a scale below zero, which no packer writes, may change the sign of a zero).
    /// </summary>
    /// <returns>False when the ends of the row's range are not finite: then the maximum is of no use.</returns>
    public static bool AddMaximum(ReadOnlySpan<byte> bytes, float scale, float offset, Span<float> maximum)
    {
        var (scales, offsets) = (Vector256.Create(scale), Vector256.Create(offset));
        var packed = MemoryMarshal.Cast<byte, Vector256<byte>>(bytes);
        var highest = MemoryMarshal.Cast<float, Vector256<float>>(maximum);
        for (var i = 0; i < packed.Length; i++)
        {
            var four = highest.Slice(4 * i, 4); // one check of bounds
            var (low, high) = Vector256.Widen(packed[i]);
            var ((first, second), (third, fourth)) = (Vector256.Widen(low), Vector256.Widen(high));
            four[0] = Vector256.MaxNative(four[0], (Vector256.ConvertToSingle(first.AsInt32()) * scales) + offsets);
            four[1] = Vector256.MaxNative(four[1], (Vector256.ConvertToSingle(second.AsInt32()) * scales) + offsets);
            four[2] = Vector256.MaxNative(four[2], (Vector256.ConvertToSingle(third.AsInt32()) * scales) + offsets);
            four[3] = Vector256.MaxNative(four[3], (Vector256.ConvertToSingle(fourth.AsInt32()) * scales) + offsets);
        }

        for (var i = packed.Length * Vector256<byte>.Count; i < maximum.Length; i++) maximum[i] = Math.Max(maximum[i], (bytes[i] * scale) + offset);
        return float.IsFinite(offset) && float.IsFinite((Steps * scale) + offset);
    }
}
