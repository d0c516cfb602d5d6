using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Pools the feature rows of a video's clips (mcn-spec §3.3): elementwise maximum over the clip's rows, then length 1. Rows in
/// half precision are compared as they are, others are converted. Owned by one reader thread; its scratch is two rows.
/// </summary>
sealed class FeaturePooler(DataCounters counters)
{
    const float SmallestNorm = 1e-12f;

    float[] converted = [];
    short[] highest = [];

    /// <summary>Pools one array into a column range of the batch.</summary>
    /// <param name="array">(rows, width), floating point.</param>
    /// <param name="file">Where it comes from, for messages.</param>
    /// <param name="rowsPerSecond">1 for 2d, 1.5 for 3d.</param>
    /// <param name="clips">P clips.</param>
    /// <param name="destination">P rows of <paramref name="stride"/> values.</param>
    /// <param name="stride">V.</param>
    /// <param name="column">First column to write.</param>
    /// <param name="lacksRows">Set for each clip that has no row here.</param>
    public void Pool(HostArray array, string file, double rowsPerSecond, ReadOnlySpan<Clip> clips, Span<float> destination, int stride,
        int column, Span<bool> lacksRows)
    {
        var (count, width) = (checked((int)array.Shape[0]), checked((int)array.Shape[1]));
        var rowBytes = width * HostArray.SizeOf(array.Type);
        for (var i = 0; i < clips.Length; i++)
        {
            var pooled = destination.Slice((i * stride) + column, width);
            var slice = ClipSampler.FeatureRows(clips[i], rowsPerSecond, count);
            if (slice.Count == 0)
            {
                pooled.Clear();
                if (!lacksRows[i]) counters.AddWithoutRows(file, clips[i], count);
                lacksRows[i] = true;
                continue;
            }

            Add(array.Type, array.Data.Span.Slice(slice.First * rowBytes, slice.Count * rowBytes), file, slice.First, isFirst: true, pooled);
            Finish(array.Type, pooled);
        }
    }

    /// <summary>Takes rows of a clip, all of them or a piece, into its maximum; <see cref="Finish"/> ends it.</summary>
    /// <param name="type">Half, single or double precision.</param>
    /// <param name="bytes">Whole rows.</param>
    /// <param name="file">Where they come from, for messages.</param>
    /// <param name="first">Number of the first of them in its array.</param>
    /// <param name="isFirst">Whether the clip begins with them.</param>
    /// <param name="pooled">The clip's row.</param>
    internal void Add(ArrayType type, ReadOnlySpan<byte> bytes, string file, int first, bool isFirst, Span<float> pooled)
    {
        var width = pooled.Length;
        if (highest.Length < width) highest = new short[width];
        if (converted.Length < width) converted = new float[width];
        if (type == ArrayType.Float16)
        {
            var maximum = highest.AsSpan(0, width);
            var halves = MemoryMarshal.Cast<byte, Half>(bytes);
            if (isFirst) HalfMaximum.Begin(maximum);
            if (!HalfMaximum.Add(halves, maximum)) throw NotFinite(file, first + FirstNotFinite(halves, width));
            return;
        }

        var size = width * HostArray.SizeOf(type);
        for (var at = 0; at < bytes.Length; at += size, isFirst = false)
        {
            var row = bytes.Slice(at, size);
            var values = isFirst ? pooled : converted.AsSpan(0, width);
            HostArray.ToSingles(type, row, values);
            if (!TensorPrimitives.IsFiniteAll<float>(values)) throw NotFinite(file, first + (at / size));
            if (!isFirst) TensorPrimitives.Max(pooled, values, pooled);
        }
    }

    /// <summary>The same of rows in 8 bits.</summary>
    /// <param name="scales">Scale and offset of each of them.</param>
    internal static void Add(ReadOnlySpan<byte> bytes, ReadOnlySpan<float> scales, string file, int first, bool isFirst, Span<float> pooled)
    {
        if (isFirst) pooled.Fill(float.NegativeInfinity);
        for (var row = 0; row * pooled.Length < bytes.Length; row++)
        {
            if (!EightBit.AddMaximum(bytes.Slice(row * pooled.Length, pooled.Length), scales[2 * row], scales[(2 * row) + 1], pooled)) throw NotFinite(file, first + row);
        }
    }

    /// <summary>The maximum of all that was added, with length 1.</summary>
    internal void Finish(ArrayType type, Span<float> pooled)
    {
        if (type == ArrayType.Float16) HalfMaximum.Finish(highest.AsSpan(0, pooled.Length), pooled);
        TensorPrimitives.Divide(pooled, Math.Max(Length(pooled), SmallestNorm), pooled);
    }

    /// <summary>
    /// Euclidean length. The order of the sum is fixed, which TensorPrimitives' is not (it follows alignment and vector width of the
    /// machine): the same rows are the same bits in every buffer, in every run and in a pack made elsewhere.
    /// </summary>
    internal static float Length(ReadOnlySpan<float> values)
    {
        var (low, high) = (Vector256<double>.Zero, Vector256<double>.Zero);
        var vectors = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (var vector in vectors)
        {
            var (first, second) = Vector256.Widen(vector);
            low += first * first; // exact products of singles in double: fused or not, the sum is the same
            high += second * second;
        }

        var sum = low + high;
        var total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        foreach (var value in values[(vectors.Length * Vector256<float>.Count)..]) total += (double)value * value;
        return (float)Math.Sqrt(total);
    }

    static int FirstNotFinite(ReadOnlySpan<Half> rows, int width)
    {
        var at = 0;
        while (Half.IsFinite(rows[at])) at++;
        return at / width;
    }

    static UserError NotFinite(string file, int row) => new(file, $"array `features`, row {row} holds NaN or infinity", "finite numbers",
        "Extract the features of this video again or take it off data.train_csv");
}
