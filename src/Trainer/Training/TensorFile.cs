using System.IO.Hashing;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Recording;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>A snapshot's tensors to a .safetensors file of a checkpoint, and from it.</summary>
static class TensorFile
{
    const int Chunk = 1 << 23;

    /// <summary>Writes and flushes; the hash is of what was handed over, so that what the disk made of it can be compared.</summary>
    public static CheckpointFile Write(string directory, string name, IReadOnlyList<ImageEntry> entries, SnapshotSlot slot, CheckpointManifest manifest)
    {
        var path = Path.Combine(directory, name);
        var metadata = new Dictionary<string, string> { ["run"] = manifest.RunId, ["step"] = $"{manifest.Step}", ["format_version"] = $"{ProtocolVersion.Checkpoint}" };
        var bytes = entries.Sum(entry => entry.Bytes);
        HashedStream? hashed = null;
        DurableFile.WriteNew(path, bytes, stream =>
        {
            hashed = new HashedStream(stream, () => FaultPoint.Reached($"half {name}"), bytes / 2);
            Safetensors.Write(hashed, [.. entries.Select(entry => new SafetensorsEntry(entry.Name, entry.Type, entry.Shape, target => WriteBytes(target, entry, slot)))], metadata);
        });
        FaultPoint.Reached(name);
        return new CheckpointFile(name, hashed!.Length, Convert.ToHexStringLower(hashed.Hash.GetCurrentHash()));
    }

    /// <summary>Copies a file's tensors into those of the same name.</summary>
    /// <exception cref="UserError">Names or shapes differ; the first differences are listed and nothing is copied.</exception>
    public static void Restore(string path, IReadOnlyList<StateTensor> tensors)
    {
        using var noGrad = no_grad();
        using var file = SafetensorsFile.Open(path);
        var names = file.Names.ToHashSet();
        var missing = tensors.Where(t => !names.Contains(t.Name)).Select(t => $"{t.Name} missing");
        var extra = names.Except(tensors.Select(t => t.Name)).Select(name => $"{name} unknown");
        Refuse(path, [.. missing, .. extra]);
        var arrays = tensors.Select(t => (t.Name, t.Value, Array: file.Read(t.Name))).ToArray();
        Refuse(path, [.. arrays.Where(a => !a.Array.Shape.SequenceEqual(a.Value.shape) || a.Array.Type != TypeOf(a.Value)).Select(a =>
            $"{a.Name} {a.Array.Type} ({string.Join(", ", a.Array.Shape)}) instead of {TypeOf(a.Value)} ({string.Join(", ", a.Value.shape)})")]);
        foreach (var (_, value, array) in arrays)
        {
            using var scope = NewDisposeScope();
            var host = empty(value.shape, value.dtype);
            array.Data.Span.CopyTo(host.bytes);
            value.copy_(host);
        }
    }

    public static ArrayType TypeOf(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => ArrayType.Float32,
        ScalarType.Int64 => ArrayType.Int64,
        var other => throw new InvalidOperationException($"No file type for {other}"),
    };

    static void Refuse(string path, string[] differences)
    {
        const int shown = 5;
        if (differences.Length == 0) return;
        var list = string.Join("; ", differences.Take(shown)) + (differences.Length > shown ? $"; and {differences.Length - shown} more" : "");
        throw new UserError(path, list, "the tensors of this configuration's network", "Use the configuration that the checkpoint was made with");
    }

    static void WriteBytes(Stream stream, ImageEntry entry, SnapshotSlot slot)
    {
        for (var at = 0L; at < entry.Bytes; at += Chunk) stream.Write(slot.Data(entry.Offset + at, (int)Math.Min(Chunk, entry.Bytes - at)));
    }

    /// <summary>Hashes and counts what passes.</summary>
    sealed class HashedStream(Stream inner, Action half, long halfAt) : Stream
    {
        long written;

        public XxHash128 Hash { get; } = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => written;

        public override long Position { get => written; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            Hash.Append(buffer);
            if (written < halfAt && written + buffer.Length >= halfAt) half();
            written += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
