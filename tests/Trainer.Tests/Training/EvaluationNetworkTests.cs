using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Weights of every origin become the same network, and anything else is refused.</summary>
public sealed class EvaluationNetworkTests
{
    [Fact]
    public void Both_formats_of_the_original_and_safetensors_give_the_originals_embeddings()
    {
        using var scope = NewDisposeScope();
        using var temp = new TempFolder();
        var zip = StoredWeights.Read(SharedFile.Path("golden/checkpoint_zip.pth"));
        using (var stream = File.Create(temp.File("a.safetensors")))
        {
            Safetensors.Write(stream, [.. zip.Weights.Arrays.Select(Entry)], new Dictionary<string, string>());
        }

        var expected = Encode(zip);
        foreach (var path in new[] { SharedFile.Path("golden/checkpoint_legacy.pth"), temp.File("a.safetensors") })
            Assert.Equal(expected, Encode(StoredWeights.Read(path)));
    }

    [Fact]
    public void A_runs_folder_and_its_checkpoints_are_found_with_their_configuration()
    {
        using var run = new SmallRun();
        run.Train();
        var folder = run.Folder.Path;
        var newest = Directory.GetDirectories(run.Folder.Checkpoints).Order(StringComparer.Ordinal).Last();
        foreach (var path in new[] { folder, run.Folder.Checkpoints, newest, Path.Combine(newest, "model.safetensors") })
        {
            var weights = StoredWeights.Read(path);
            Assert.Equal(Path.Combine(newest, "model.safetensors"), weights.Path);
            Assert.Equal(run.Folder.Config, weights.RunConfigFile);
            Assert.Equal(run.Config.Model.LayerWidths, weights.Sizes.LayerWidths);
            Assert.Equal(run.Config.Model, weights.Sizes with { LayerWidths = run.Config.Model.LayerWidths });
        }

        Assert.Contains("a folder without a checkpoint", Assert.Throws<UserError>(() => StoredWeights.Read(run.Folder.Journal)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Partial_weights_are_refused_with_the_differences()
    {
        using var temp = new TempFolder();
        var all = StoredWeights.Read(SharedFile.Path("golden/checkpoint_zip.pth")).Weights.Arrays;
        var some = all.Where(t => t.Key is not ("GU_audio.fc.bias" or "DAVEnet.bn1.running_mean")).Append(new("extra", all["GU_audio.fc.bias"]));
        using (var stream = File.Create(temp.File("partial.safetensors"))) Safetensors.Write(stream, [.. some.Select(Entry)], new Dictionary<string, string>());
        var vocabulary = new Vocabulary(["a"], new float[20], 20);
        var error = Assert.Throws<UserError>(() => new EvaluationNetwork(StoredWeights.Read(temp.File("partial.safetensors")), vocabulary, CPU));
        Assert.Contains("DAVEnet.bn1.running_mean", error.Message, StringComparison.Ordinal);
        Assert.Contains("GU_audio.fc.bias", error.Message, StringComparison.Ordinal);
        Assert.Contains("extra", error.Message, StringComparison.Ordinal);
    }

    static SafetensorsEntry Entry(KeyValuePair<string, HostArray> tensor) =>
        new(tensor.Key, tensor.Value.Type, tensor.Value.Shape, target => target.Write(tensor.Value.Data.Span));

    static float[] Encode(StoredWeights weights)
    {
        using var network = new EvaluationNetwork(weights, new Vocabulary(["a"], Enumerable.Range(0, 20).Select(i => i / 20f).ToArray(), 20), CPU);
        var clips = new HostClips(2, Enumerable.Range(0, 192).Select(i => i / 192f).ToArray(), Enumerable.Range(0, 2 * 40 * 64).Select(i => -(i % 80f)).ToArray(),
            40, [64, 20], [1, 0, 1, 1]);
        var embeddings = network.Encode(clips);
        return [.. new[] { embeddings.Audio, embeddings.Video, embeddings.Text }.SelectMany(part => part.data<float>())];
    }
}
