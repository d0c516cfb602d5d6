using System.Formats.Tar;
using System.IO.Hashing;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>A member that is to be written.</summary>
sealed record PackedMember(string Name, byte[] Bytes, ArrayType? Type, long[]? Shape);

/// <summary>A video that is to be written.</summary>
sealed record PackedVideo(string Path, int Captions, List<PackedMember> Members)
{
    const int TarBlock = 512;

    /// <summary>Of the record in a tar: a header block and whole data blocks a member.</summary>
    public long TarBytes => Members.Sum(member => TarBlock + ((member.Bytes.Length + TarBlock - 1L) / TarBlock * TarBlock));
}

/// <summary>
/// Writes one shard under a temporary name, remembers what lies where, and gives the tar its name only when it is whole, on the disk and
/// read back. The bytes are a function of the records: no times, no owners. Disposed before the end, it leaves nothing.
/// </summary>
sealed class ShardWriter : IDisposable
{
    readonly string path;
    readonly HashedFile file;
    readonly TarWriter tar;
    readonly List<ShardRecord> records = [];

    public ShardWriter(string path)
    {
        this.path = path;
        file = new HashedFile(path + ".tmp");
        tar = new TarWriter(file, TarEntryFormat.Gnu, leaveOpen: true);
    }

    public int Count => records.Count;

    public long Bytes => file.Position;

    public void Add(PackedVideo video) => records.Add(new ShardRecord(video.Path, video.Captions, [.. video.Members.Select(Add)]));

    /// <summary>Ends the tar, verifies it, and gives it and its index their names, the index last.</summary>
    public ShardIndex Finish(int first, int next, SkippedVideo[] skipped)
    {
        tar.Dispose();
        file.FlushToDisk();
        var index = new ShardIndex(ShardFormat.Version, Path.GetFileName(path), first, next, file.Position, file.Hash(), [.. records], skipped);
        file.Dispose();
        ShardCheck.Verify(file.Path, index);
        File.Move(file.Path, path, overwrite: true);
        DurableJson.Write(ShardFormat.IndexOf(path), index, ShardJson.Default.ShardIndex);
        return index;
    }

    public void Dispose()
    {
        try
        {
            file.Dispose();
        }
        catch (IOException)
        {
            // A full disk refuses the rest of the buffer once more; the failure is on its way already.
        }
        finally
        {
            File.Delete(file.Path);
        }
    }

    ShardMember Add(PackedMember member)
    {
        using var content = new MemoryStream(member.Bytes, writable: false);
        tar.WriteEntry(new GnuTarEntry(TarEntryType.RegularFile, member.Name) { DataStream = content, ModificationTime = DateTimeOffset.UnixEpoch });
        // What comes before the content (long names take more headers) is the tar library's business; what follows is padding.
        var padded = (member.Bytes.Length + 511L) / 512 * 512;
        return new ShardMember(member.Name, file.Position - padded, member.Bytes.Length, ShardCheck.HashOf(member.Bytes), DtypeOf(member.Type), member.Shape);
    }

    static string? DtypeOf(ArrayType? type) => type is { } known ? (HostArray.SizeOf(known) == 1 ? "|" : "<") + ArrayLayout.ToNumpy(known) : null;

    /// <summary>A file that is written once from its beginning, and hashed on the way.</summary>
    sealed class HashedFile(string path) : Stream
    {
        readonly FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        readonly XxHash3 hash = new();
        long written;

        public string Path => path;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => written;

        public override long Position { get => written; set => throw new NotSupportedException(); }

        public string Hash() => ShardCheck.Hex(hash.GetCurrentHashAsUInt64());

        public void FlushToDisk() => file.Flush(flushToDisk: true);

        public override void Write(ReadOnlySpan<byte> bytes)
        {
            file.Write(bytes);
            hash.Append(bytes);
            written += bytes.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
