using System.Diagnostics;
using System.IO.Compression;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Bench;

/// <summary>
/// The steps of decoding by themselves, on one thread and one video's 2d features: bytes a second of inflating (content), of the CRC-32
/// check, of pooling (rows read), of 8-bit expansion to single precision (content), and of a plain copy.
/// </summary>
static class KernelsChild
{
    public const string Name = "kernels";

    public static JsonObject Run(string folder, double seconds)
    {
        var path = Directory.GetFiles(Path.Combine(folder, "deflated"), "*_2d.npz", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        var content = Npz.ReadAll(path)["features"];
        var half = content.Data.ToArray();
        var (rows, width) = ((int)content.Shape[0], (int)content.Shape[1]);
        var target = new byte[half.Length];
        var singles = new float[rows * width];
        var quantised = MemoryMarshal.Cast<byte, Half>(half).ToArray().Select(value => (byte)((float)value * 255)).ToArray();
        var pooler = new FeaturePooler(new DataCounters());
        var pooled = new float[32 * width];
        var lacks = new bool[32];
        var clips = Enumerable.Range(0, 32).Select(i => new Clip(0, 0, i * 6 % (rows - 12), (i * 6 % (rows - 12)) + 11)).ToArray();
        using var file = new MemoryStream(Deflate(half));

        BenchChildren.Begin();
        var each = seconds / 5;
        return new JsonObject
        {
            ["copy"] = Rate(each, half.Length, () => half.CopyTo(target, 0)),
            ["inflate"] = Rate(each, half.Length, () =>
            {
                file.Position = 0;
                using var inflate = new DeflateStream(file, CompressionMode.Decompress, leaveOpen: true);
                inflate.ReadExactly(target);
            }),
            ["CRC-32"] = Rate(each, half.Length, () => System.IO.Hashing.Crc32.HashToUInt32(half)),
            ["pooling 32 clips"] = Rate(each, half.Length, () => pooler.Pool(content, "bench", 1, clips, pooled, width, 0, lacks)),
            ["8-bit to single precision"] = Rate(each, singles.Length * sizeof(float), () =>
            {
                for (var row = 0; row < rows; row++)
                {
                    var values = singles.AsSpan(row * width, width);
                    TensorPrimitives.ConvertTruncating(quantised.AsSpan(row * width, width), values);
                    TensorPrimitives.Multiply(values, 1 / 255f, values);
                }
            }),
        };
    }

    static double Rate(double seconds, long bytes, Action act)
    {
        for (var i = 0; i < 3; i++) act();
        var (began, done) = (Stopwatch.GetTimestamp(), 0);
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds)
        {
            act();
            done++;
        }

        return done * bytes / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    static byte[] Deflate(byte[] content)
    {
        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(content);
        return memory.ToArray();
    }
}
