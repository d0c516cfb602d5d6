using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Bench;

/// <summary>
/// A generated data set with HowTo100M's shapes in the original's layout: videos of about 397 s with 2048-wide 2d rows at 1/s, 3d rows at
/// 1.5/s, 40-band spectrograms at 100 frames/s, all half precision, and a caption every 3.6 s. The same content stored and deflated.
/// Features are non-negative rows of length 1, spectrograms smooth decibels, so that deflate has something to do; what real files
/// compress to is not known here, so the bench prints the ratio. Made once and kept in .mcn/bench.
/// </summary>
static class PublishedSet
{
    /// <summary>Of the content: raise it when the generator changes, so that an old set is made anew.</summary>
    const int Version = 1;
    const int Width = 2048;
    const int Bands = 40;
    const int Words = 5000;
    const int WordDimension = 300;
    const double CaptionSeconds = 3.6;

    /// <summary>Folder of the set with so many videos; makes it when it is not there.</summary>
    public static string Make(int videos)
    {
        var folder = Path.GetFullPath(Path.Combine(".mcn", "bench", $"published-{Version}-{videos}"));
        if (File.Exists(Path.Combine(folder, "complete"))) return folder;
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Console.Error.WriteLine($"making {videos} videos with the published shapes in {folder} (once; about {videos * 13.2 / 1000:F1} GB) …");
        Directory.CreateDirectory(folder);
        Parallel.For(0, videos, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, video => Video(folder, video));
        var captions = Enumerable.Range(0, videos).ToDictionary(object (video) => Id(video), object? (video) => Captions(video));
        PickleWriter.Write(Path.Combine(folder, "caption.pickle"), captions);
        var vectors = Enumerable.Range(0, Words * WordDimension).Select(i => (i % 97) / 97f).ToArray();
        Word2Vec.Write(Path.Combine(folder, "words.bin"), [.. Enumerable.Range(0, Words).Select(Word)], vectors, WordDimension, newlineAfterEach: true);
        File.WriteAllText(Path.Combine(folder, "videos.csv"), "path\n" + string.Concat(Enumerable.Range(0, videos).Select(video => $"cat/{Id(video)}\n")));
        foreach (var layout in new[] { "stored", "deflated" }) File.WriteAllText(Path.Combine(folder, $"{layout}.json"), Config(layout));
        File.WriteAllText(Path.Combine(folder, "complete"), "");
        return folder;
    }

    /// <summary>Seconds of a video: 397 in the mean, from 200 to 594.</summary>
    static int Seconds(int video) => 200 + new CounterRandom(1, RandomPurpose.SampleSet, 100, video).Next(395);

    static string Id(int video) => $"v{video:D6}";

    static string Word(int word) => $"word{word}";

    static void Video(string folder, int video)
    {
        var seconds = Seconds(video);
        var random = new CounterRandom(1, RandomPurpose.SampleSet, 101, video);
        Write("2d", "features", Features(random, seconds));
        Write("3d", "features", Features(random, seconds * 3 / 2));
        Write("spec", "arr_0", Spectrogram(random, seconds * 100));

        void Write(string kind, string key, HostArray array)
        {
            foreach (var layout in new[] { "stored", "deflated" })
            {
                var path = Path.Combine(folder, layout, "cat", Id(video), $"{Id(video)}_{kind}.npz");
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                Npz.Write(path, [(key, array)], compress: layout == "deflated");
            }
        }
    }

    static HostArray Features(CounterRandom random, int rows)
    {
        var values = new Half[rows * Width];
        var row = new float[Width];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < Width; j++) row[j] = Math.Max(0, (float)random.NextBell());
            TensorPrimitives.Divide(row, TensorPrimitives.Norm<float>(row), row);
            TensorPrimitives.ConvertToHalf(row, values.AsSpan(i * Width, Width));
        }

        return new HostArray(ArrayType.Float16, [rows, Width], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    static HostArray Spectrogram(CounterRandom random, int frames)
    {
        var values = new Half[Bands * frames];
        for (var band = 0; band < Bands; band++)
        {
            var level = -40.0;
            for (var frame = 0; frame < frames; frame++)
            {
                level = Math.Clamp((0.9 * level) - 4 + (5 * random.NextBell()), -80, 0);
                values[(band * frames) + frame] = (Half)level;
            }
        }

        return new HostArray(ArrayType.Float16, [Bands, frames], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    static Dictionary<object, object?> Captions(int video)
    {
        var random = new CounterRandom(1, RandomPurpose.SampleSet, 102, video);
        var count = (int)(Seconds(video) / CaptionSeconds);
        var texts = new List<object?>();
        for (var i = 0; i < count; i++) texts.Add(string.Join(' ', Enumerable.Range(0, 4 + random.Next(9)).Select(_ => Word(random.Next(Words)))));
        return new()
        {
            ["start"] = Enumerable.Range(0, count).Select(object? (i) => i * CaptionSeconds).ToList(),
            ["end"] = Enumerable.Range(0, count).Select(object? (i) => (i * CaptionSeconds) + 3.5).ToList(),
            ["text"] = texts,
        };
    }

    // batch_size 16 instead of 128 keeps a batch at 49 MB; a clip is what it is in the published recipe.
    static string Config(string layout) => new JsonObject
    {
        ["data"] = new JsonObject
        {
            ["train_csv"] = "videos.csv",
            ["features_path"] = layout,
            ["caption_path"] = "caption.pickle",
            ["word2vec_path"] = "words.bin",
            ["batch_size"] = 16,
            ["n_pair"] = 32,
            ["read_ahead_bytes"] = 200_000_000,
        },
    }.ToJsonString();
}
