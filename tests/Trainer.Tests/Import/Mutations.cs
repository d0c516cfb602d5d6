using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Tests.Import;

/// <summary>
/// Damages files in reproducible ways (splitmix64): flipped bits, other bytes, truncations, splices, length fields, pickle operations;
/// and checks that a reader answers each with a value or a UserError, in bounded time and memory.
/// </summary>
internal static partial class Mutations
{
    /// <summary>What a reader may take whatever the size of its input: buffers, and a margin for the runtime.</summary>
    const long FixedBytes = 4L << 20;

    /// <summary>Bytes of memory for a byte of input. A believed length would exceed it at once.</summary>
    const long BytesPerByte = 256;

    /// <summary>As above, for archives: deflate expands 1032 times, into a buffer that doubles and a copy.</summary>
    public const long BytesPerArchiveByte = 4 * 1032;

    static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>Numbers that lengths, counts and offsets are replaced by; the file's own length and its neighbours come on top.</summary>
    static readonly long[] Telling =
    [
        0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x10000, 0x7ffffff0, int.MaxValue, 0x80000000, uint.MaxValue, 1L << 32, 1L << 40, long.MaxValue, long.MinValue, -1, -2,
    ];

    /// <summary>Operations that are in no pickle by chance: containers, memo, calls, building, long strings.</summary>
    static readonly byte[] Operations =
    [
        .. "(012)]}aelstudbcRQ.NKMJGXUTCBIFLhjgqrpPV"u8,
        0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96,
    ];

    /// <param name="original">A sound file.</param>
    /// <param name="read">Reads it, and looks at what it got.</param>
    /// <param name="count">How many damaged files.</param>
    /// <param name="seed">Another seed, other damage.</param>
    /// <param name="subject">When given, each refusal must begin with it and name an offset.</param>
    /// <param name="bytesPerByte">Memory allowed for a byte of input.</param>
    public static void OnlyUserErrors(
        byte[] original, Action<byte[]> read, int count = 300, ulong seed = 1, string? subject = null, long bytesPerByte = BytesPerArchiveByte)
    {
        var state = seed;
        for (var i = 0; i < count; i++)
        {
            var damaged = Damage(original, ref state);
            var clock = Stopwatch.StartNew();
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(damaged);
            }
            catch (UserError e)
            {
                Assert.DoesNotContain('\n', e.Message);
                if (subject is not null) Assert.True(e.Message.StartsWith(subject, StringComparison.Ordinal) && Offset().IsMatch(e.Message), $"Mutation {i}: no file or offset in: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"Mutation {i} of seed {seed}, {Convert.ToBase64String(damaged)}: {e}");
            }

            Assert.True(clock.Elapsed < Longest, $"Mutation {i} took {clock.Elapsed}");
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= FixedBytes + (bytesPerByte * damaged.Length), $"Mutation {i} of seed {seed}, {Convert.ToBase64String(damaged)}: {damaged.Length} bytes of input took {allocated} bytes of memory");
        }
    }

    public static long PerByte(bool isArchive) => isArchive ? BytesPerArchiveByte : BytesPerByte;

    public static ulong Next(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    static int Below(int bound, ref ulong state) => bound <= 0 ? 0 : (int)(Next(ref state) % (ulong)bound);

    static byte[] Damage(byte[] original, ref ulong state)
    {
        var bytes = original.ToArray();
        if (Below(8, ref state) == 0) return bytes[..Below(bytes.Length, ref state)];
        for (var left = 1 + Below(4, ref state); left > 0 && bytes.Length > 0; left--)
        {
            // Half of the hits go to the first and last 200 bytes, where headers and directories are.
            var span = Below(4, ref state) switch { 0 => (0, Math.Min(200, bytes.Length)), 1 => (Math.Max(0, bytes.Length - 200), bytes.Length), _ => (0, bytes.Length) };
            bytes = Hit(bytes, span.Item1 + Below(span.Item2 - span.Item1, ref state), ref state);
        }

        return bytes;
    }

    static byte[] Hit(byte[] bytes, int at, ref ulong state)
    {
        switch (Below(8, ref state))
        {
            case 0: bytes[at] ^= (byte)(1 << Below(8, ref state)); return bytes;
            case 1: bytes[at] = (byte)Next(ref state); return bytes;
            case 2: bytes.AsSpan(at, Math.Min(8, bytes.Length - at)).Fill((byte)(Below(2, ref state) == 0 ? 0x7f : 0xff)); return bytes;
            case 3: return Number(bytes, at, ref state);
            case 4: bytes[at] = Operations[Below(Operations.Length, ref state)]; return bytes;
            case 5: return [.. bytes[..at], Operations[Below(Operations.Length, ref state)], .. bytes[at..]];
            case 6: // A part again at another place: nested structures, doubled members, memo references out of order.
                var from = Below(bytes.Length, ref state);
                return [.. bytes[..at], .. bytes.AsSpan(from, Math.Min(1 + Below(64, ref state), bytes.Length - from)), .. bytes[at..]];
            default: return [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + Below(32, ref state))..]];
        }
    }

    /// <summary>Writes a telling number over 1, 2, 4 or 8 bytes, little-endian: sooner or later over every length field.</summary>
    static byte[] Number(byte[] bytes, int at, ref ulong state)
    {
        var which = Below(Telling.Length + 3, ref state);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, which < Telling.Length ? Telling[which] : bytes.Length + which - Telling.Length - 1);
        var width = Math.Min(1 << Below(4, ref state), bytes.Length - at);
        number[..width].CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    [GeneratedRegex(@"at byte \d+")]
    private static partial Regex Offset();
}
