using System.Formats.Tar;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Tests.Verbs;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Evaluation;

/// <summary>
/// Sets of which the answer is known: feature k of a second says that it shows step k, the encoder below passes it on, so every
/// annotated step must be found where it is.
/// </summary>
public sealed class LocalisationEvaluatorTests : IDisposable
{
    static readonly string[] Steps = ["word0", "word1", "word2"];

    readonly TempFolder temp = new();

    string Folder => temp.File("set");

    public void Dispose() => temp.Dispose();

    [Fact]
    public void CrossTask_is_found_where_the_features_say_so()
    {
        // Task 1: v0 shows its three steps where they are annotated, v1 shows step 1 elsewhere. Task 2: v2 is right. v3 is too short.
        Write("videos.csv", "task,video_id\n1,v0\n1,v1\n2,v2\n2,v3\n");
        Write("steps.json", """{"1": ["word0", "word1", "word2"], "2": ["word0", "word1", "word2"]}""");
        Write("cook.txt", "2\n");
        Video("1_v0", "v0", shown: [0, 9, 1, 9, 2, 9], annotated: [0, 9, 1, 9, 2, 9]);
        Video("1_v1", "v1", shown: [9, 0, 9, 1, 9, 2], annotated: [9, 9, 1, 9, 9, 9]);
        Video("2_v2", "v2", shown: [9, 0, 1, 2, 9, 9], annotated: [9, 0, 9, 9, 9, 9]);
        Video("2_v3", "v3", shown: [0, 1], annotated: [0, 1]);
        foreach (var path in new[] { Folder, Tar() })
        {
            Assert.True(LocalisationSet.IsAt(path));
            var result = Evaluate(path);
            Assert.Equal((1, 0), (result.TooShort, result.WithoutSteps));
            var row = result.Rows.Single(row => row.Direction == "t2v");
            Assert.Equal((3 / 4.0 + 1) / 2, row.Figures["recall_official"], 1e-12);
            Assert.Equal(((1.0 + 0) / 2 + 1) / 2, row.Figures["recall_original"], 1e-12);
            Assert.Equal((1.0, 0.75), (row.Figures["recall_official_cooking"], row.Figures["recall_official_other"]));
        }
    }

    [Fact]
    public void Mining_YouTube_has_recall_IoD_and_IoU_over_videos()
    {
        Write("list.csv", "video_id\nv0\nv1\n");
        Write("steps.json", """{"v0": ["word0", "word1"], "v1": ["word2", "word0"]}""");
        Video("v0", "v0", shown: [0, 0, 0, 1, 1, 1], annotated: [0, 0, 9, 9, 1, 1], steps: 2);
        Video("v1", "v1", shown: [2, 2, 0, 0], annotated: [9, 9, 9, 9], steps: 2);
        var result = Evaluate(Folder);
        Assert.Equal(1, result.WithoutSteps);
        var figures = result.Rows.Single(row => row.Direction == "t2v").Figures;
        Assert.Equal((2 / 3.0, 2 / 3.0), (figures["iod"], figures["iou"]));
        Assert.Equal(["recall", "iod", "iou"], figures.Keys);
        Assert.Equal(1, figures["recall"]);
    }

    [Fact]
    public async Task Eval_knows_the_set_by_its_csv_and_says_what_is_missing()
    {
        var checkpoint = SharedFile.Path("golden/checkpoint_zip.pth");
        Write("videos.csv", "video_id\nv0\n");
        Write("steps.json", """{"v0": ["oil", "the salt"]}""");
        Video("v0", "v0", shown: [0, 0, 1, 1], annotated: [0, 0, 1, 1], steps: 2, width: 96, bands: 40);
        string[] arguments = ["eval", "--checkpoint", checkpoint, "--data", Folder, "--word2vec", SharedFile.Path("golden/word2vec.bin")];
        var (code, output, errors) = await TrainerProcess.Run([.. arguments, "--json"]);
        Assert.Equal("", errors);
        Assert.Equal(ExitCodes.Done, code);
        Assert.Contains("\"kind\":\"mining_youtube\"", output, StringComparison.Ordinal);
        Assert.Contains("\"iou\":", output, StringComparison.Ordinal);
        (_, output, _) = await TrainerProcess.Run(arguments);
        Assert.Contains("our definition", output, StringComparison.Ordinal);
        File.Delete(Path.Combine(Folder, "features/v0_3d.npy"));
        (code, _, errors) = await TrainerProcess.Run(arguments);
        Assert.Equal(ExitCodes.Fails, code);
        Assert.Contains("no v0_3d.npy or v0_3d.npz or v0.npz for video v0", errors, StringComparison.Ordinal);
        Write("steps.json", "{}");
        (_, _, errors) = await TrainerProcess.Run(arguments);
        Assert.Contains("video v0 without steps", errors, StringComparison.Ordinal);
    }

    /// <summary>The network replaced by one that passes on: text k → unit k, video → its first three features.</summary>
    LocalisationResult Evaluate(string path)
    {
        using var scope = NewDisposeScope();
        using var set = LocalisationSet.Open(path);
        var settings = EvaluationSettings.Of(TestRun.Golden(GoldenFolders.Reduced));
        settings = settings with { Model = settings.Model with { FeatureDim = 8, MelBands = 3 }, Evaluation = settings.Evaluation with { BatchSizeVal = 4 } };
        return LocalisationEvaluator.Evaluate(settings, set, new Vocabulary(Steps, new float[6], 2), batch =>
        {
            var text = zeros(batch.Capacity, 4);
            for (var i = 0; i < batch.Capacity; i++) text[i, batch.Tokens[i * batch.Words]].fill_(1.ToScalar());
            var video = tensor(batch.Video, [batch.Capacity, batch.Video.Length / batch.Capacity]).narrow(1, 0, 3);
            return new Embeddings(zeros(batch.Capacity, 4), cat([zeros(batch.Capacity, 1), video], 1), text, null);
        });
    }

    void Video(string annotation, string id, int[] shown, int[] annotated, int steps = 3, int width = 8, int bands = 3)
    {
        var half = width / 2;
        HostArray Feature(int first) => SmallSet.Array(ArrayType.Float32, [shown.Length, half], i => shown[i / half] == (i % half) + first ? 1 : 0.01);
        WriteArray($"annotations/{annotation}.npy", SmallSet.Array(ArrayType.Float32, [annotated.Length, steps], i => annotated[i / steps] == i % steps ? 1 : 0));
        WriteArray($"features/{id}_2d.npy", Feature(0));
        WriteArray($"features/{id}_3d.npy", Feature(half));
        Directory.CreateDirectory(Path.Combine(Folder, "audio"));
        Npz.Write(Path.Combine(Folder, $"audio/{id}.npz"), [("arr_0", SmallSet.Array(ArrayType.Float16, [bands, shown.Length * 100], i => -(i % 80)))], compress: false);
    }

    void WriteArray(string name, HostArray array)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var stream = File.Create(path);
        Npy.Write(stream, array);
    }

    void Write(string name, string text)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, name), text);
    }

    string Tar()
    {
        var path = temp.File("set.tar");
        TarFile.CreateFromDirectory(Folder, path, includeBaseDirectory: false);
        return path;
    }
}
