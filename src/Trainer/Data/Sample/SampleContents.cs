using System.Globalization;
using System.Text;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>
/// Writes the set's files into a folder, in the original's layout (mcn-spec §3 and §9.1). A function of (seed, shuffled) alone: the
/// bytes are the same each time on one runtime, and the numbers on every one (another zlib may pack them differently).
/// </summary>
sealed class SampleContents(string folder, long seed, bool shuffled)
{
    static readonly string[] Categories = ["kitchen", "workshop", "garden"];

    readonly SamplePlan plan = new(seed);
    readonly SampleCamera camera = new(seed);
    readonly SampleMicrophone microphone = new(seed);
    readonly SampleWriter writer = new(seed);

    /// <summary>Writes everything, and says how many captions that made.</summary>
    /// <exception cref="OperationCanceledException">Between two videos.</exception>
    public int Write(CancellationToken stop)
    {
        var captions = new SampleCaptions();
        var list = new StringBuilder("path\n");
        for (var video = 0; video < SamplePlan.Videos; video++)
        {
            stop.ThrowIfCancellationRequested();
            list.Append(WriteVideo(video, captions)).Append('\n');
        }

        stop.ThrowIfCancellationRequested();
        if (shuffled) captions.Shuffle(new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Shuffle));
        File.WriteAllText(In("train/videos.csv"), list.ToString());
        PickleWriter.Write(In("train/caption.pickle"), captions.ToPickle());
        WriteVectors();
        PickleWriter.Write(In("heldout.pkl"), HeldOut(stop));
        return captions.Count;
    }

    /// <returns>The row of the video list. As in the original's, a folder `None` that is not there leads some of them.</returns>
    string WriteVideo(int video, SampleCaptions captions)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"smp{video:D4}");
        var path = string.Create(CultureInfo.InvariantCulture, $"{Categories[video % Categories.Length]}/{(char)('a' + (video % 7))}/{id}");
        if (video % 20 == 7) path = id;
        var target = Directory.CreateDirectory(In($"train/parsed_videos/{path}")).FullName;

        var (scenes, length) = plan.VideoOf(video);
        var (rows2d, rows3d) = camera.Film(video, scenes, length);
        Npz.Write(Path.Combine(target, id + "_2d.npz"), [("features", rows2d)], compress: false);
        Npz.Write(Path.Combine(target, id + "_3d.npz"), [("features", rows3d)], compress: false);
        Npz.Write(Path.Combine(target, id + "_spec.npz"), [("arr_0", microphone.Record(video, scenes, length))], compress: true);

        var sentences = writer.Say(video, Array.ConvertAll(scenes, scene => scene.Clip), isCareful: false);
        captions.Add(id, scenes, sentences, new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Captions, video));
        return path == id ? "None/" + path : path;
    }

    List<object?> HeldOut(CancellationToken stop)
    {
        var items = new List<object?>();
        for (var i = 0; i < SamplePlan.HeldOut; i++)
        {
            stop.ThrowIfCancellationRequested();
            var index = SamplePlan.Videos + i; // a style, voice and noise of its own
            var (heard, seen) = plan.HeldOutOf(i);
            var (rows2d, rows3d) = camera.Film(index, [seen], seen.End);
            items.Add(new Dictionary<string, object?>
            {
                ["2d"] = SampleCamera.Maximum(rows2d),
                ["3d"] = SampleCamera.Maximum(rows3d),
                ["audio"] = new TorchTensor(microphone.Record(index, [heard], heard.End)),
                ["caption"] = writer.Say(index, [heard.Clip], isCareful: true)[0],
                ["id"] = string.Create(CultureInfo.InvariantCulture, $"held{i:D4}"),
            });
        }

        return items;
    }

    void WriteVectors()
    {
        const int dimension = 300;
        var random = new CounterRandom(seed, RandomPurpose.SampleSet, (long)SamplePart.Vectors);
        var vectors = new float[SampleWords.Known.Count * dimension];
        foreach (ref var value in vectors.AsSpan()) value = (float)(SampleDifficulty.VectorSize * random.NextBell());
        Word2Vec.Write(In("train/words.bin"), SampleWords.Known, vectors, dimension, newlineAfterEach: false);
    }

    string In(string relative) => Path.Combine(folder, relative);
}
