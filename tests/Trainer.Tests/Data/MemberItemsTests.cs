using System.Formats.Tar;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>Evaluation sets as npy members and json, in a folder or a tar: the same set as the pickle.</summary>
public sealed class MemberItemsTests : IDisposable
{
    static readonly ModelConfig Model = new()
    {
        EmbdDim = 8, FeatureDim = 9, WeDim = 2, MelBands = 3, LayerWidths = [1, 1, 1, 1, 1], Recon = true, ReconSize = 4,
    };

    readonly TempFolder temp = new();

    string Folder => temp.File("set");

    public void Dispose() => temp.Dispose();

    [Fact]
    public void One_list_of_clips_with_members_by_name_is_the_same_set_as_the_pickle()
    {
        Write("clips.json", """[{"id": "a", "caption": "one"}, {"id": "b", "caption": ["two", "three"], "audio": "sound/b.npy"}]""");
        foreach (var (clip, audio) in new[] { ("a", "a.audio.npy"), ("b", "sound/b.npy") })
        {
            WriteArray($"{clip}.2d.npy", Values(5, 1));
            WriteArray($"{clip}_3d.npy", Values(4, 2));
            WriteArray(audio, SmallSet.Array(ArrayType.Float16, [3, 6], i => -i));
        }

        PickleWriter.Write(temp.File("set.pkl"), new List<object?> { Item("a", "one"), Item("b", "two") });
        var expected = Filled(RetrievalSet.Read(temp.File("set.pkl"), Model));
        Assert.Equal(expected, Filled(RetrievalSet.Read(Folder, Model)));
        Assert.Equal(expected, Filled(RetrievalSet.Read(Tar(), Model)));
    }

    [Fact]
    public void A_json_for_each_clip_names_its_members_by_its_own_name()
    {
        foreach (var clip in new[] { "000", "001" })
        {
            Write($"{clip}.json", $$"""{"eval_caption": "clip {{clip}}", "id": "video{{clip}}"}""");
            WriteArray($"{clip}.2d_pooled.npy", Values(5, 1));
            WriteArray($"{clip}.3d_pooled.npy", Values(4, 1));
        }

        WriteArray("001.audio.npy", SmallSet.Array(ArrayType.Float32, [3, 6], i => -i));
        var set = RetrievalSet.Read(Tar(), Model);
        Assert.Equal(["video001"], set.Ids);
        Assert.Equal((PublishedFigures.MsrVtt, 1, 1000), (set.Kind, set.WithoutAudio, set.Denominator));
    }

    [Fact]
    public void What_is_missing_is_said_with_the_clip_and_the_member()
    {
        Write("clips.json", """[{"id": "a", "caption": "one", "audio": "gone.npy"}]""");
        Assert.Contains("clips.json, item 0: `audio` names gone.npy, which is not there", Refused(Folder), StringComparison.Ordinal);
        Write("clips.json", """[{"caption": "one"}]""");
        Assert.Contains("item 0: no `id`", Refused(Folder), StringComparison.Ordinal);
        Write("clips.json", """[{"id": "a", """);
        Assert.Contains("a JSON error", Refused(Folder), StringComparison.Ordinal);
        File.Delete(Path.Combine(Folder, "clips.json"));
        Assert.Contains("no json", Refused(Folder), StringComparison.Ordinal);
        File.WriteAllBytes(temp.File("torn.tar"), File.ReadAllBytes(Tar("x.json", "[]"))[..700]);
        Assert.Contains("torn.tar", Refused(temp.File("torn.tar")), StringComparison.Ordinal);
    }

    static string Refused(string path) => Assert.Throws<UserError>(() => RetrievalSet.Read(path, Model)).Message;

    static string Filled(RetrievalSet set)
    {
        var batch = new RetrievalBatch(set.Count, 9, 3, 8, 2);
        set.Fill(0, new Vocabulary(["one"], [1f, 2], 2), batch);
        return string.Join(' ', batch.Video.Concat(batch.Audio)) + string.Join('|', set.Captions.Concat(set.Ids));
    }

    static Dictionary<object, object?> Item(string id, string caption) => new()
    {
        ["id"] = id, ["caption"] = caption, ["2d"] = Values(5, 1), ["3d"] = Values(4, 2), ["audio"] = SmallSet.Array(ArrayType.Float16, [3, 6], i => -i),
    };

    static HostArray Values(int width, int first) => SmallSet.Array(ArrayType.Float32, [width], i => i + first);

    void Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    void WriteArray(string name, HostArray array)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stream = File.Create(path);
        Npy.Write(stream, array);
    }

    string Tar(string? name = null, string? content = null)
    {
        if (name is not null) Write(name, content!);
        var path = temp.File("set.tar");
        TarFile.CreateFromDirectory(Folder, path + ".new", includeBaseDirectory: false);
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }
}
