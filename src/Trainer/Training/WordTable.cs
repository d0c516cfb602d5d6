using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>Clips on the host, rows of equal length.</summary>
/// <param name="Count">n.</param>
/// <param name="Video">(n, V).</param>
/// <param name="Audio">(n, mel, T).</param>
/// <param name="MelBands">mel.</param>
/// <param name="FrameCounts">(n).</param>
/// <param name="Tokens">(n, W); 0 is padding.</param>
public sealed record HostClips(int Count, float[] Video, Array Audio, int MelBands, int[] FrameCounts, int[] Tokens)
{
    public static HostClips From(Batch batch) =>
        new(batch.Shape.Clips, batch.Video, batch.Audio, batch.Shape.MelBands, batch.FrameCounts, batch.Tokens);

    /// <summary>All rows, those beyond the batch's count too: one shape for every call.</summary>
    public static HostClips From(RetrievalBatch batch) =>
        new(batch.Capacity, batch.Video, batch.Audio, batch.Audio.Length / (batch.Capacity * batch.Frames), batch.FrameCounts, batch.Tokens);
}

/// <summary>
/// The restricted vocabulary on the device, and the way of a batch there: word ids travel (80 bytes a clip instead of 24 KB) and only
/// the distinct words of the batch are looked up.
/// </summary>
public sealed class WordTable : IDisposable
{
    readonly Tensor vectors;
    readonly int[] rowOfWord;

    /// <param name="wordVectors">(vocabulary, dimension), row 0 zero.</param>
    public WordTable(float[] wordVectors, int dimension, Device device)
    {
        vectors = tensor(wordVectors, [wordVectors.Length / dimension, dimension], device: device).DetachFromDisposeScope();
        rowOfWord = new int[wordVectors.Length / dimension];
    }

    public ClipTensors ToDevice(HostClips clips) => ToDevice(clips, 0, clips.Count);

    /// <summary>Only <paramref name="n"/> of the clips, from <paramref name="start"/> on.</summary>
    public ClipTensors ToDevice(HostClips clips, int start, int n)
    {
        var words = clips.Tokens.Length / clips.Count;
        var (distinct, index) = Distinct(clips.Tokens.AsSpan(start * words, n * words));
        Tensor Rows(Array values) => Copied(from_array(values).view(clips.Count, -1).narrow(0, start, n));
        return new ClipTensors(
            Rows(clips.Video),
            Rows(clips.Audio).view(n, clips.MelBands, -1),
            from_array(clips.FrameCounts).narrow(0, start, n).to(ScalarType.Int64, vectors.device),
            vectors.index_select(0, tensor(distinct, device: vectors.device)),
            tensor(index, [n, words], device: vectors.device));
    }

    // Copied also on the CPU, where the tensor could share the array: the last bits of a matrix product depend on the alignment of its
    // operands, and only libtorch's own memory is aligned the same in every process.
    Tensor Copied(Tensor values)
    {
        if (vectors.device_type == DeviceType.CPU) return values.to(ScalarType.Float32, vectors.device, copy: true);
        // In the type that it has: in one call libtorch would widen half precision on a core of the host and send twice the bytes.
        using var moved = values.to(vectors.device);
        return moved.to(ScalarType.Float32);
    }

    /// <summary>The distinct word ids in order of appearance, and for each position the place of its word among them.</summary>
    (int[] Distinct, long[] Index) Distinct(ReadOnlySpan<int> tokens)
    {
        Array.Fill(rowOfWord, -1);
        var distinct = new List<int>();
        var index = new long[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            ref var row = ref rowOfWord[tokens[i]];
            if (row < 0)
            {
                row = distinct.Count;
                distinct.Add(tokens[i]);
            }

            index[i] = row;
        }

        return ([.. distinct], index);
    }

    public void Dispose() => vectors.Dispose();
}
