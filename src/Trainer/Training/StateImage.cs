using System.Text.Json.Serialization;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Import;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>One tensor's place in a snapshot's memory.</summary>
/// <param name="File">File of the checkpoint that gets it.</param>
/// <param name="Offset">From the beginning of the snapshot's data, bytes.</param>
sealed record ImageEntry(string File, string Name, ArrayType Type, long[] Shape, long Offset, long Bytes);

/// <summary>What lies beside a snapshot's data: its counters (without files), and where each tensor is.</summary>
sealed record ImageTable(CheckpointManifest Manifest, ImageEntry[] Entries)
{
    public long DataBytes => Entries.Length == 0 ? 0 : Entries[^1].Offset + Entries[^1].Bytes;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ImageTable))]
[JsonSerializable(typeof(StepProof))]
sealed partial class TrainingJson : JsonSerializerContext;

/// <summary>State tensors to and from one stretch of host memory. Runs on the rank's thread: it is what training stands still for.</summary>
static class StateImage
{
    // A span ends at 2 GiB; a queue may be larger.
    const long MostBytesAtOnce = 1L << 30;
    const int Alignment = 64;

    public static ImageTable Plan(CheckpointManifest manifest, IReadOnlyList<StateTensor> tensors)
    {
        var entries = new ImageEntry[tensors.Count];
        var offset = 0L;
        for (var i = 0; i < entries.Length; i++)
        {
            var (file, name, value) = tensors[i];
            var bytes = value.NumberOfElements * value.ElementSize;
            entries[i] = new ImageEntry(file, name, TensorFile.TypeOf(value), value.shape, offset, bytes);
            offset = (offset + bytes + Alignment - 1) / Alignment * Alignment;
        }

        return new ImageTable(manifest, entries);
    }

    public static long BytesOf(IReadOnlyList<StateTensor> tensors) =>
        tensors.Sum(tensor => (tensor.Value.NumberOfElements * tensor.Value.ElementSize + Alignment - 1) / Alignment * Alignment);

    public static void Copy(IReadOnlyList<StateTensor> from, ImageTable table, SnapshotSlot to)
    {
        using var noGrad = no_grad();
        for (var i = 0; i < from.Count; i++)
        {
            using var scope = NewDisposeScope();
            var at = table.Entries[i].Offset;
            foreach (var piece in Pieces(from[i].Value.detach().contiguous()))
            {
                var bytes = piece.cpu().bytes; // sync
                bytes.CopyTo(to.Data(at, bytes.Length));
                at += bytes.Length;
            }
        }
    }

    /// <exception cref="UserError">The snapshot is of another network.</exception>
    public static void Restore(SnapshotSlot from, ImageTable table, IReadOnlyList<StateTensor> to)
    {
        using var noGrad = no_grad();
        var entries = table.Entries.ToDictionary(entry => (entry.File, entry.Name));
        foreach (var (file, name, value) in to)
        {
            if (!entries.Remove((file, name), out var entry) || entry.Type != TensorFile.TypeOf(value) || !entry.Shape.SequenceEqual(value.shape))
                throw new UserError("the snapshot in memory", $"no {name} of ({string.Join(", ", value.shape)})", "the tensors of this configuration's network", "");
            using var scope = NewDisposeScope();
            var at = entry.Offset;
            foreach (var piece in Pieces(value))
            {
                var host = empty(piece.shape, piece.dtype);
                from.Data(at, host.bytes.Length).CopyTo(host.bytes);
                piece.copy_(host);
                at += host.bytes.Length;
            }
        }

        if (entries.Count > 0) throw new UserError("the snapshot in memory", $"{entries.Keys.First().Name} too", "the tensors of this configuration's network", "");
    }

    /// <summary>Rows of the first dimension together, as many as fit.</summary>
    static IEnumerable<Tensor> Pieces(Tensor tensor)
    {
        var bytes = tensor.NumberOfElements * tensor.ElementSize;
        if (bytes <= MostBytesAtOnce)
        {
            yield return tensor;
            yield break;
        }

        var rows = Math.Max(1, MostBytesAtOnce / (bytes / tensor.shape[0]));
        for (var row = 0L; row < tensor.shape[0]; row += rows) yield return tensor.narrow(0, row, Math.Min(rows, tensor.shape[0] - row));
    }
}
