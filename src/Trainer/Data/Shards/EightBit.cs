using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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

    /// <summary>The same in half precision: 256 values, looked up, eight at a time (this is most of the work of reading an 8-bit spectrogram).</summary>
    public static void Expand(ReadOnlySpan<byte> bytes, float scale, float offset, Span<Half> destination)
    {
        const int together = sizeof(ulong);
        Span<ushort> table = stackalloc ushort[256];
        for (var i = 0; i < table.Length; i++) table[i] = BitConverter.HalfToUInt16Bits((Half)(offset + (scale * i)));
        var bits = MemoryMarshal.Cast<Half, ushort>(destination)[..bytes.Length];
        ref var first = ref MemoryMarshal.GetReference(table); // a byte is never beyond the table
        var packed = MemoryMarshal.Cast<byte, ulong>(bytes);
        var pairs = MemoryMarshal.Cast<ushort, ulong>(bits);
        for (var i = 0; i < packed.Length; i++)
        {
            var eight = packed[i];
            pairs[2 * i] = At(ref first, eight) | (At(ref first, eight >> 8) << 16) | (At(ref first, eight >> 16) << 32) | (At(ref first, eight >> 24) << 48);
            pairs[(2 * i) + 1] = At(ref first, eight >> 32) | (At(ref first, eight >> 40) << 16) | (At(ref first, eight >> 48) << 32) | (At(ref first, eight >> 56) << 48);
        }

        for (var i = packed.Length * together; i < bits.Length; i++) bits[i] = table[bytes[i]];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static ulong At(ref ushort first, ulong index) => Unsafe.Add(ref first, (nint)(byte)index);
}
