using System.Diagnostics;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Tests.Import;

/// <summary>Damages bytes in reproducible ways (splitmix64) and checks that a reader answers each with a value or a UserError.</summary>
internal static class Mutations
{
    /// <summary>Far above what a small file may cost; a believed length of 10^9 would exceed it at once.</summary>
    const long MaxAllocatedBytes = 64L << 20;

    public static void OnlyUserErrors(byte[] original, Action<byte[]> read, int count = 300, ulong seed = 1)
    {
        var state = seed;
        // MCN_MUTATIONS=100 makes a long run of it: 100 times as many.
        if (int.TryParse(Environment.GetEnvironmentVariable("MCN_MUTATIONS"), out var times)) count *= times;
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
            }
            catch (Exception e)
            {
                Assert.Fail($"Mutation {i}: {e}");
            }

            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"Mutation {i} took {clock.Elapsed}");
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MaxAllocatedBytes, $"Mutation {i} allocated {allocated} bytes");
        }
    }

    public static ulong Next(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    static byte[] Damage(byte[] original, ref ulong state)
    {
        var bytes = original.ToArray();
        if (Next(ref state) % 8 == 0) return bytes[..(int)(Next(ref state) % (ulong)bytes.Length)];
        for (var left = 1 + (Next(ref state) % 4); left > 0; left--)
        {
            // Half of the hits go to the first and last 200 bytes, where headers and directories are.
            var span = (Next(ref state) % 4) switch { 0 => (0, Math.Min(200, bytes.Length)), 1 => (Math.Max(0, bytes.Length - 200), bytes.Length), _ => (0, bytes.Length) };
            var at = span.Item1 + (int)(Next(ref state) % (ulong)(span.Item2 - span.Item1));
            var value = Next(ref state);
            switch (value % 4)
            {
                case 0: bytes[at] ^= (byte)(1 << (int)((value >> 8) % 8)); break;
                case 1: bytes[at] = (byte)(value >> 8); break;
                case 2: bytes.AsSpan(at, Math.Min(4, bytes.Length - at)).Fill(0xff); break;
                default: bytes.AsSpan(at, Math.Min(8, bytes.Length - at)).Fill(0x7f); break;
            }
        }

        return bytes;
    }
}
