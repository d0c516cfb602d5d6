using System.Text;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Checking;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data.Checking;

/// <summary>A copy of the sample set, and the faults to plant in it.</summary>
sealed class PlantedFaults : IDisposable
{
    const string Marker = "QQQQQQQQ";

    readonly TempFolder folder = new();
    readonly HashSet<(string Kind, int Row)> planted = [];
    readonly VideoList videos;

    public PlantedFaults(string sample)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(sample, "train"), "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder.Path, Path.GetRelativePath(sample, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        File.WriteAllText(folder.File("heldout.pkl"), "");
        Config = SampleConfig.Of(folder.Path);
        videos = VideoList.Read(Config.Data.TrainCsv);
    }

    public RunConfig Config { get; }

    /// <summary>Every kind of fault, each in a video of its own.</summary>
    public HashSet<(string Kind, int Row)> PlantAll()
    {
        Plant(FindingKind.Missing, 3, row => File.Delete(FileOf(row, "spec")));
        Plant(FindingKind.Unreadable, 5, row => Truncate(FileOf(row, "2d")));
        Plant(FindingKind.Unreadable, 6, row => Npz.Write(FileOf(row, "3d"), [("feature", Load(row, "3d", "features"))], compress: false));
        Plant(FindingKind.WrongType, 7, row => Change(row, "2d", array => new HostArray(array.Type == ArrayType.Float16 ? ArrayType.Int16 : ArrayType.Int32, array.Shape, array.Data)));
        Plant(FindingKind.WrongShape, 9, row => Change(row, "3d", array => new HostArray(array.Type, [array.Shape[0] * 2, array.Shape[1] / 2], array.Data)));
        Plant(FindingKind.WrongShape, 10, row => Change(row, "spec", array => new HostArray(array.Type, [array.Shape[0] / 2, array.Shape[1] * 2], array.Data)));
        Plant(FindingKind.WrongShape, 12, row => Change(row, "spec", array => new HostArray(array.Type, [0, array.Shape[1]], default)));
        Plant(FindingKind.NotFinite, 11, row => Change(row, "2d", array => With(array, array.Count - 1, double.NaN)));
        Plant(FindingKind.NotFinite, 13, row => Change(row, "spec", array => With(array, 70, double.NegativeInfinity)));
        Plant(FindingKind.BeyondAudio, 17, row => Change(row, "spec", array => FirstColumns(array, 50)));
        Plant(FindingKind.BeyondFeatures, 19, row => Change(row, "2d", array => new HostArray(array.Type, [1, array.Shape[1]], array.Data[..(int)(HostArray.SizeOf(array.Type) * array.Shape[1])])));

        var captions = (Dictionary<object, object?>)PickleReader.Read(Config.Data.CaptionPath)!;
        List<object?> Of(int row, string field) => (List<object?>)((Dictionary<object, object?>)captions[IdOf(row)]!)[field]!;
        Plant(FindingKind.NoEntry, 31, row => captions.Remove(IdOf(row)));
        Plant(FindingKind.NoCaption, 33, row => captions[IdOf(row)] = SmallSet.Caption(new List<object?>(), new List<object?>(), new List<object?>()));
        Plant(FindingKind.Malformed, 35, row => Of(row, "text").RemoveAt(0));
        Plant(FindingKind.Malformed, 36, row => captions[IdOf(row)] = "words");
        Plant(FindingKind.TimeNotFinite, 37, row => Of(row, "end")[1] = double.NaN);
        Plant(FindingKind.EndBeforeStart, 39, row => Of(row, "end")[1] = (double)Of(row, "start")[1]! - 0.5);
        Plant(FindingKind.EmptyText, 41, row => Of(row, "text")[0] = "  ");
        Plant(FindingKind.NoText, 43, row => Of(row, "text")[0] = null);
        Plant(FindingKind.NotUtf8, 45, row => Of(row, "text")[0] = Marker);
        PickleWriter.Write(Config.Data.CaptionPath, captions);
        BreakMarker();

        // The list itself: a row again, and an id again under another folder (with files, so that nothing else is wrong there).
        var again = Path.Combine("elsewhere", IdOf(61));
        foreach (var kind in new[] { "2d", "3d", "spec" })
        {
            var copy = Path.Combine(Config.Data.FeaturesPath, again, $"{IdOf(61)}_{kind}.npz");
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(FileOf(61, kind), copy);
        }

        File.AppendAllText(Config.Data.TrainCsv, $"{videos.PathOf(59)}\n{again}\n");
        planted.Add((FindingKind.DuplicateRow, videos.Count + 1));
        planted.Add((FindingKind.DuplicateId, videos.Count + 2));
        return planted;
    }

    public void Dispose() => folder.Dispose();

    void Plant(string kind, int row, Action<int> act)
    {
        act(row - 1);
        planted.Add((kind, row));
    }

    string IdOf(int video) => videos.IdOf(video);

    string FileOf(int video, string kind) => Path.Combine(Config.Data.FeaturesPath, videos.PathOf(video), $"{IdOf(video)}_{kind}.npz");

    HostArray Load(int video, string kind, string key) => Npz.ReadAll(FileOf(video, kind))[key];

    void Change(int video, string kind, Func<HostArray, HostArray> change)
    {
        var key = kind == "spec" ? "arr_0" : "features";
        Npz.Write(FileOf(video, kind), [(key, change(Load(video, kind, key)))], compress: video % 2 == 0);
    }

    static HostArray With(HostArray array, long index, double value)
    {
        var bytes = array.Data.ToArray();
        var element = bytes.AsSpan((int)index * HostArray.SizeOf(array.Type));
        Assert.True(array.Type == ArrayType.Float16 ? BitConverter.TryWriteBytes(element, (Half)value) : BitConverter.TryWriteBytes(element, (float)value));
        return new HostArray(array.Type, array.Shape, bytes);
    }

    static HostArray FirstColumns(HostArray array, int columns)
    {
        var (rows, width, size) = ((int)array.Shape[0], (int)array.Shape[1], HostArray.SizeOf(array.Type));
        var bytes = Enumerable.Range(0, rows).SelectMany(row => array.Data.Span.Slice(row * width * size, columns * size).ToArray()).ToArray();
        return new HostArray(array.Type, [rows, columns], bytes);
    }

    static void Truncate(string file)
    {
        using var stream = File.OpenWrite(file);
        stream.SetLength(stream.Length / 2);
    }

    // Bytes that no UTF-8 has; the writer of the test's pickle would not write them.
    void BreakMarker()
    {
        var bytes = File.ReadAllBytes(Config.Data.CaptionPath);
        bytes.AsSpan(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Marker)), 2).Fill(0xFF);
        File.WriteAllBytes(Config.Data.CaptionPath, bytes);
    }
}
