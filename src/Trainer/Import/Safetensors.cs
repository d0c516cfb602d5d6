using System.Buffers.Binary;
using System.Text.Json;

namespace Mcn.Web.Trainer.Import;

/// <summary>One tensor to be written: <paramref name="Write"/> puts exactly the bytes of the shape, little-endian in C order.</summary>
public sealed record SafetensorsEntry(string Name, ArrayType Type, long[] Shape, Action<Stream> Write);

/// <summary>
/// Writes the safetensors format: 8 bytes header length, a JSON header padded with spaces to 8 bytes, the data without gaps.
/// Format description: the README of the safetensors repository.
/// </summary>
public static class Safetensors
{
    public const string MetadataKey = "__metadata__";

    static readonly (ArrayType Type, string Name)[] Types =
    [
        (ArrayType.Float16, "F16"), (ArrayType.BFloat16, "BF16"), (ArrayType.Float32, "F32"), (ArrayType.Float64, "F64"),
        (ArrayType.Int8, "I8"), (ArrayType.UInt8, "U8"), (ArrayType.Int16, "I16"), (ArrayType.Int32, "I32"), (ArrayType.Int64, "I64"),
        (ArrayType.Bool, "BOOL"),
    ];

    /// <summary>Writes the tensors in the given order. Wrong entries (twice the same name, wrong number of bytes) are ArgumentExceptions.</summary>
    public static void Write(Stream stream, IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        var header = Header(entries, metadata);
        var padded = (header.Length + 7) & ~7;
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded);
        stream.Write(length);
        stream.Write(header);
        for (var i = header.Length; i < padded; i++) stream.WriteByte((byte)' ');
        foreach (var entry in entries)
        {
            using var counted = new CountedStream(stream);
            entry.Write(counted);
            if (counted.Count != Bytes(entry)) throw new ArgumentException($"{entry.Name}: {counted.Count} bytes were written, {Bytes(entry)} expected");
        }
    }

    internal static ArrayType? TypeOf(string? name)
    {
        foreach (var (type, known) in Types)
        {
            if (known == name) return type;
        }

        return null;
    }

    static byte[] Header(IReadOnlyList<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            foreach (var (key, value) in metadata) json.WriteString(key, value);
            json.WriteEndObject();
            var names = new HashSet<string>(StringComparer.Ordinal) { MetadataKey };
            var offset = 0L;
            foreach (var entry in entries)
            {
                if (!names.Add(entry.Name)) throw new ArgumentException($"The name {entry.Name} is used twice or reserved");
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", Types.First(t => t.Type == entry.Type).Name);
                json.WriteStartArray("shape");
                foreach (var size in entry.Shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += Bytes(entry));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    static long Bytes(SafetensorsEntry entry) => ArrayLayout.TryByteCount(entry.Type, entry.Shape, out var bytes)
        ? bytes
        : throw new ArgumentException($"{entry.Name}: impossible shape ({string.Join(", ", entry.Shape)})");

    /// <summary>Counts what an entry writes; a wrong count would shift every tensor after it.</summary>
    sealed class CountedStream(Stream inner) : Stream
    {
        public long Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => Count;

        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            Count += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
