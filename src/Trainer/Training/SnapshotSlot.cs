using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text.Json;
using Mcn.Web.Shared.Runs;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// One snapshot's memory: a header of a page, the data, the table. While it is written its number is negative, so that a process that
/// dies in the middle leaves something that is seen to be torn; the number and a hash over data and table are set last. One owner at a
/// time: the rank's thread while it copies, then the threads of the <see cref="CheckpointWriter"/>.
/// </summary>
sealed unsafe class SnapshotSlot(byte* start, long capacity)
{
    const uint Magic = 0x534E434D; // "MCNS"
    const int Version = 1;
    public const int HeaderBytes = 4096;
    const int SequenceAt = 8;
    const int DataBytesAt = 16;
    const int TableBytesAt = 24;
    const int HashAt = 32;
    const int HashBytes = 16;
    const int ProofAt = 64;
    const int MostProofBytes = HeaderBytes - ProofAt - 8;
    const int Chunk = 1 << 26;

    readonly object proofGate = new();
    volatile bool busy;

    /// <summary>Being copied to, sealed, or written to disk: not to be overwritten.</summary>
    public bool Busy { get => busy; set => busy = value; }

    /// <summary>Of the snapshot in it; 0 or less: none that is whole.</summary>
    public long Sequence => Volatile.Read(ref *(long*)(start + SequenceAt));

    public static long BytesNeeded(ImageTable table) => HeaderBytes + table.DataBytes + TableBytes(table).Length;

    /// <param name="offset">Within the data.</param>
    public Span<byte> Data(long offset, int length)
    {
        if (offset < 0 || length < 0 || HeaderBytes + offset + length > capacity) throw new InvalidOperationException($"{length} bytes at {offset} are outside the slot");
        return new Span<byte>(start + HeaderBytes + offset, length);
    }

    /// <summary>From here on it holds nothing until it is sealed.</summary>
    public void Begin(ImageTable table, long sequence)
    {
        Volatile.Write(ref *(long*)(start + SequenceAt), -sequence);
        var bytes = TableBytes(table);
        BinaryPrimitives.WriteUInt32LittleEndian(Header(0, 4), Magic);
        BinaryPrimitives.WriteInt32LittleEndian(Header(4, 4), Version);
        BinaryPrimitives.WriteInt64LittleEndian(Header(DataBytesAt, 8), table.DataBytes);
        BinaryPrimitives.WriteInt64LittleEndian(Header(TableBytesAt, 8), bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(Header(ProofAt, 4), 0);
        bytes.CopyTo(Data(table.DataBytes, bytes.Length));
    }

    /// <summary>The copy is complete: hash, then the number.</summary>
    public void Seal()
    {
        Hash(Header(HashAt, HashBytes));
        Volatile.Write(ref *(long*)(start + SequenceAt), Math.Abs(Sequence));
    }

    /// <summary>Beside the snapshot: what the step after it gave. Before or after it is sealed.</summary>
    /// <param name="sequence">The snapshot it belongs to; another one may lie here by now.</param>
    public void Prove(StepProof proof, long sequence)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(proof, TrainingJson.Default.StepProof);
        lock (proofGate)
        {
            if (bytes.Length > MostProofBytes || Math.Abs(Sequence) != sequence) return;
            bytes.CopyTo(Header(ProofAt + 8, bytes.Length));
            BinaryPrimitives.WriteUInt32LittleEndian(Header(ProofAt + 4, 4), Crc32.HashToUInt32(bytes));
            Volatile.Write(ref *(int*)(start + ProofAt), bytes.Length);
        }
    }

    /// <summary>What a process left here; null: nothing, or nothing whole.</summary>
    public (ImageTable Table, StepProof? Proof)? Read()
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(Header(0, 4)) != Magic || BinaryPrimitives.ReadInt32LittleEndian(Header(4, 4)) != Version || Sequence <= 0) return null;
        var data = BinaryPrimitives.ReadInt64LittleEndian(Header(DataBytesAt, 8));
        var length = BinaryPrimitives.ReadInt64LittleEndian(Header(TableBytesAt, 8));
        if (data < 0 || length is <= 0 or > int.MaxValue || data > capacity - HeaderBytes - length) return null;
        Span<byte> hash = stackalloc byte[HashBytes];
        Hash(hash);
        if (!hash.SequenceEqual(Header(HashAt, HashBytes))) return null;
        var table = JsonSerializer.Deserialize(Data(data, (int)length), TrainingJson.Default.ImageTable)!;
        return (table, ReadProof());
    }

    StepProof? ReadProof()
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(Header(ProofAt, 4));
        if (length is <= 0 or > MostProofBytes) return null;
        var bytes = Header(ProofAt + 8, length);
        return Crc32.HashToUInt32(bytes) == BinaryPrimitives.ReadUInt32LittleEndian(Header(ProofAt + 4, 4))
            ? JsonSerializer.Deserialize(bytes, TrainingJson.Default.StepProof) : null;
    }

    void Hash(Span<byte> result)
    {
        var bytes = BinaryPrimitives.ReadInt64LittleEndian(Header(DataBytesAt, 8)) + BinaryPrimitives.ReadInt64LittleEndian(Header(TableBytesAt, 8));
        var hash = new XxHash128();
        for (var at = 0L; at < bytes; at += Chunk) hash.Append(Data(at, (int)Math.Min(Chunk, bytes - at)));
        hash.GetCurrentHash(result);
    }

    Span<byte> Header(int offset, int length) => new(start + offset, length);

    static byte[] TableBytes(ImageTable table) => JsonSerializer.SerializeToUtf8Bytes(table, TrainingJson.Default.ImageTable);
}
