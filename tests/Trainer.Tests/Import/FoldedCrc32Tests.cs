using System.IO.Hashing;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Import;

public sealed class FoldedCrc32Tests
{
    [Fact]
    public void It_is_the_checksum_of_the_package_for_every_length_and_every_beginning()
    {
        var bytes = Noise(100_000);
        for (var length = 0; length < 1500; length++)
        {
            var part = bytes.AsSpan(length % 67, length);
            Assert.Equal(Crc32.HashToUInt32(part), FoldedCrc32.Of(part));
        }

        Assert.Equal(Crc32.HashToUInt32(bytes), FoldedCrc32.Of(bytes));
        Assert.Equal(0xCBF43926, FoldedCrc32.Of("123456789"u8)); // the check value of the catalogue of CRCs
    }

    [Fact]
    public void Every_single_bit_counts()
    {
        var bytes = Noise(128 + 128 + 32 + 7); // a block to begin with, one that is folded, a vector and a few bytes that are not
        var whole = FoldedCrc32.Of(bytes);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(whole, FoldedCrc32.Of(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    static byte[] Noise(int count)
    {
        var state = 11UL;
        return [.. Enumerable.Range(0, count).Select(_ => (byte)Mutations.Next(ref state))];
    }
}
