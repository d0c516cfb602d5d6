using System.Globalization;
using System.IO.Hashing;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>Lengths and checksums of shards.</summary>
static class ShardCheck
{
    public const string Remedy = "Copy the shard again, or delete it and run the same `data pack` again";

    const int Piece = 4 << 20;

    public static string HashOf(ReadOnlySpan<byte> bytes) => Hex(XxHash3.HashToUInt64(bytes));

    public static string Hex(ulong hash) => hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads a whole tar: its length, its checksum, and the checksum of every member.</summary>
    /// <exception cref="UserError">Names the file, and the byte where the first wrong member begins.</exception>
    public static void Verify(string path, ShardIndex index)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        RequireLength(path, file.Length, index.Bytes);
        var whole = new XxHash3();
        var buffer = new byte[Piece];
        foreach (var member in index.Records.SelectMany(record => record.Members).OrderBy(member => member.Offset))
        {
            Take(member.Offset - file.Position, null);
            var hash = new XxHash3();
            Take(member.Length, hash);
            if (Hex(hash.GetCurrentHashAsUInt64()) is var found && found != member.Xxh3) throw Wrong(path, member.Name, member.Offset, found, member.Xxh3);
        }

        Take(index.Bytes - file.Position, null);
        if (Hex(whole.GetCurrentHashAsUInt64()) is var all && all != index.Xxh3) throw new UserError(path, $"checksum {all} of the whole file", index.Xxh3, Remedy);

        void Take(long count, XxHash3? part)
        {
            while (count > 0)
            {
                var piece = buffer.AsSpan(0, (int)Math.Min(count, buffer.Length));
                file.ReadExactly(piece);
                whole.Append(piece);
                part?.Append(piece);
                count -= piece.Length;
            }
        }
    }

    public static void RequireLength(string path, long found, long expected)
    {
        if (found != expected) throw Import.Refusal.At(path, Math.Min(found, expected), $"the shard has {found} bytes", $"{expected} bytes", Remedy);
    }

    public static UserError Wrong(string path, string name, long offset, string found, string expected) =>
        Import.Refusal.At(path, offset, $"{name} has checksum {found}", $"{expected}, as in its index", Remedy);
}
