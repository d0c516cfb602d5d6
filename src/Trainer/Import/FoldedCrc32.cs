using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mcn.Web.Trainer.Import;

/// <summary>
/// CRC-32 as in zip files (polynomial 0x04C11DB7, reflected), faster than System.IO.Hashing 10's where the processor multiplies 256 bits
/// without carries (`bench loader` times both): the check is a good part of reading stored files. The bulk is folded, 128 bytes at a time
/// (V. Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction, Intel 2009); the package does the rest.
/// Pure. To be removed when the package uses the wide instruction itself.
/// </summary>
static class FoldedCrc32
{
    const int Vectors = 4;
    const int BlockBytes = Vectors * 32;

    /// <summary>Carries 64 bits over a block: x to the power of its bits, and 32 more or less for the upper and the lower half.</summary>
    static readonly Vector256<ulong> Over = Vector256.Create(PowerOfX((BlockBytes * 8) + 32), PowerOfX((BlockBytes * 8) - 32), PowerOfX((BlockBytes * 8) + 32), PowerOfX((BlockBytes * 8) - 32));

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        if (!Pclmulqdq.V256.IsSupported || bytes.Length < 2 * BlockBytes) return Crc32.HashToUInt32(bytes);
        var vectors = MemoryMarshal.Cast<byte, Vector256<ulong>>(bytes);
        var ones = Vector256.CreateScalar((ulong)uint.MaxValue); // what the register begins with
        var (a, b, c, d) = (vectors[0] ^ ones, vectors[1], vectors[2], vectors[3]);
        var done = Vectors;
        for (; done <= vectors.Length - Vectors; done += Vectors)
        {
            var block = vectors.Slice(done, Vectors); // one check of bounds for four loads
            (a, b, c, d) = (Fold(a) ^ block[0], Fold(b) ^ block[1], Fold(c) ^ block[2], Fold(d) ^ block[3]);
        }

        // What was folded has the remainder of all that came before; the package begins with the same ones.
        ReadOnlySpan<Vector256<ulong>> folded = [a ^ ones, b, c, d];
        var rest = new Crc32();
        rest.Append(MemoryMarshal.AsBytes(folded));
        rest.Append(bytes[(done * 32)..]);
        return rest.GetCurrentHashAsUInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a call keeps the four states in memory
    static Vector256<ulong> Fold(Vector256<ulong> state) =>
        Pclmulqdq.V256.CarrylessMultiply(state, Over, 0x00) ^ Pclmulqdq.V256.CarrylessMultiply(state, Over, 0x11);

    /// <summary>x^power modulo the polynomial, reflected, where the product of two reflected numbers has it.</summary>
    static ulong PowerOfX(int power)
    {
        const uint polynomial = 0xEDB88320;
        var value = 1u << 31;
        for (; power > 0; power--) value = (value >> 1) ^ ((value & 1) * polynomial);
        return (ulong)value << 1;
    }
}
