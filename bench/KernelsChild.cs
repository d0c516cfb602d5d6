using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Bench;

/// <summary>
/// The steps of decoding by themselves, on one thread: bytes a second of CPU time of inflating (content; the files of the first videos as
/// they lie on disk), and, on one video's 2d features, of the CRC-32 check, of pooling (rows read), of 8-bit expansion to single
/// precision (content), of the maximum of rows in 8 bits (rows read), and of a plain copy.
/// </summary>
static class KernelsChild
{
    public const string Name = "kernels";
    public const string Inflating = "inflate";

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
        var archives = Directory.GetFiles(Path.Combine(folder, "deflated"), "*.npz", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(12).Select(File.ReadAllBytes).ToArray();
        var contents = new byte[16 << 20];
        var inflated = archives.Sum(archive => (long)Inflate(archive, contents));

        BenchChildren.Begin();
        var each = seconds / 7;
        return new JsonObject
        {
            ["copy"] = Rate(each, half.Length, () => half.CopyTo(target, 0)),
            [Inflating] = Rate(each, inflated, () =>
            {
                foreach (var archive in archives) Inflate(archive, contents);
            }),
            ["CRC-32"] = Rate(each, half.Length, () => FoldedCrc32.Of(half)),
            ["CRC-32, System.IO.Hashing"] = Rate(each, half.Length, () => System.IO.Hashing.Crc32.HashToUInt32(half)),
            ["pooling 32 clips"] = Rate(each, half.Length, () => pooler.Pool(content, "bench", 1, clips, pooled, width, 0, lacks)),
            ["8-bit to single precision"] = Rate(each, singles.Length * sizeof(float), () =>
            {
                for (var row = 0; row < rows; row++) EightBit.Expand(quantised.AsSpan(row * width, width), 1 / 255f, 0, singles.AsSpan(row * width, width));
            }),
            ["maximum of rows in 8 bits"] = Rate(each, quantised.Length, () =>
            {
                for (var row = 0; row < rows; row++) EightBit.AddMaximum(quantised.AsSpan(row * width, width), 1 / 255f, 0, singles.AsSpan(0, width));
            }),
        };
    }

    // CPU time, not the clock's: other work on the machine must not look like a slow step.
    static double Rate(double seconds, long bytes, Action act)
    {
        act();
        var (began, cpu, done) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, 0);
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < seconds || done < 3)
        {
            act();
            done++;
        }

        return done * bytes / (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
    }

    /// <summary>Inflates the first member of an archive; the result is the bytes of its content.</summary>
    static int Inflate(byte[] archive, byte[] target)
    {
        var data = 30 + BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(26)) + BinaryPrimitives.ReadUInt16LittleEndian(archive.AsSpan(28)); // behind the local header
        using var inflate = new DeflateStream(new MemoryStream(archive, data, archive.Length - data), CompressionMode.Decompress);
        return inflate.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
    }
}
