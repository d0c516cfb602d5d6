using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>
/// A data set written by the test: videos v0, v1, ... of 20 s with a caption every 2 s, 2d features of width 5, 3d features of
/// width 4, spectrograms of 3 bands. Change a file, then open <see cref="Config"/>.
/// </summary>
sealed class SmallSet : IDisposable
{
    public const int Seconds = 20;
    readonly TempFolder folder = new();

    public SmallSet(int videos)
    {
        File.WriteAllText(PathOf("videos.csv"), "path\n" + string.Concat(Enumerable.Range(0, videos).Select(video => $"a/v{video}\n")));
        for (var video = 0; video < videos; video++)
        {
            WriteFeatures(video, "2d", Array(ArrayType.Float16, [Seconds, 5], i => video + (i % 7)));
            WriteFeatures(video, "3d", Array(ArrayType.Float16, [Seconds * 3 / 2, 4], i => video + (i % 5) + 1));
            WriteSpectrogram(video, Array(ArrayType.Float16, [3, Seconds * 100], i => -(i % 64)));
            Captions[$"v{video}"] = Caption(Starts(), Ends(), Enumerable.Range(0, 10).Select(object? (i) => $"word{i} and word{video}").ToList());
        }

        WriteCaptions();
        var words = Enumerable.Range(0, 12).Select(i => $"word{i}").Append("and").ToList();
        Word2Vec.Write(PathOf("words.bin"), words, Enumerable.Range(0, words.Count * 2).Select(i => i + 0.5f).ToArray(), 2, newlineAfterEach: false);
    }

    public Dictionary<object, object?> Captions { get; } = [];

    public string PathOf(string name) => folder.File(name);

    public RunConfig Config
    {
        get
        {
            var config = TestRun.Config(folder.Path, "videos.csv", "features", "caption.pickle", "words.bin");
            return config with
            {
                Data = config.Data with { BatchSize = 2, NPair = 3, HowtoAudioFrames = 300, MinTime = 3, MaxWords = 4 },
                Model = config.Model with { FeatureDim = 9, WeDim = 2, MelBands = 3 },
                Compatibility = config.Compatibility with { NegativeFirstFrame = false },
            };
        }
    }

    public void WriteCaptions() => PickleWriter.Write(PathOf("caption.pickle"), Captions);

    public string WriteFeatures(int video, string kind, HostArray array, string key = "features") => Write(video, kind, key, array);

    public string WriteSpectrogram(int video, HostArray array) => Write(video, "spec", "arr_0", array);

    public static List<object?> Starts() => [.. Enumerable.Range(0, 10).Select(object? (i) => i * 2.0)];

    public static List<object?> Ends() => [.. Enumerable.Range(0, 10).Select(object? (i) => (i * 2.0) + 2)];

    public static Dictionary<object, object?> Caption(object? start, object? end, object? text) =>
        new() { ["start"] = start, ["end"] = end, ["text"] = text };

    public static HostArray Array(ArrayType type, long[] shape, Func<int, double> value)
    {
        var values = Enumerable.Range(0, (int)shape.Aggregate(1L, (product, size) => product * size)).Select(value);
        var bytes = type switch
        {
            ArrayType.Float16 => MemoryMarshal.AsBytes(values.Select(number => (Half)number).ToArray().AsSpan()).ToArray(),
            ArrayType.Float32 => MemoryMarshal.AsBytes(values.Select(number => (float)number).ToArray().AsSpan()).ToArray(),
            ArrayType.Float64 => MemoryMarshal.AsBytes(values.ToArray().AsSpan()).ToArray(),
            ArrayType.Int64 => MemoryMarshal.AsBytes(values.Select(number => (long)number).ToArray().AsSpan()).ToArray(),
            _ => throw new NotSupportedException(),
        };
        return new HostArray(type, shape, bytes);
    }

    public void Dispose() => folder.Dispose();

    string Write(int video, string kind, string key, HostArray array)
    {
        var path = PathOf($"features/a/v{video}/v{video}_{kind}.npz");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Npz.Write(path, [(key, array)], compress: video % 2 == 0);
        return path;
    }
}
