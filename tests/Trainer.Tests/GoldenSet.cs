using System.Text.Json;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests;

/// <summary>A folder of golden vectors (layout: its README): arrays as tensors, and the configuration they were made with.</summary>
public sealed class GoldenSet
{
    readonly string folder;

    GoldenSet(string folder)
    {
        this.folder = folder;
        Description = Json("description.json");
    }

    public static TheoryData<string> Folders => [GoldenFolders.Reduced, GoldenFolders.Full];

    public JsonElement Description { get; }

    /// <summary>Skips the test when the named set is not on this machine.</summary>
    public static GoldenSet Open(string name)
    {
        var folder = GoldenFolders.Find(name);
        Assert.SkipWhen(folder is null, SharedData.SkipReason);
        return new GoldenSet(folder!);
    }

    public string File(string name) => Path.Combine(folder, name);

    public JsonElement Json(string name)
    {
        using var document = JsonDocument.Parse(System.IO.File.ReadAllText(File(name)));
        return document.RootElement.Clone();
    }

    /// <summary>Every array of `name`.npz.</summary>
    public IReadOnlyDictionary<string, Tensor> Arrays(string name) =>
        Npz.ReadAll(File(name + ".npz")).ToDictionary(pair => pair.Key, pair => ToTensor(pair.Value));

    public static Tensor ToTensor(HostArray array) => array.Type switch
    {
        ArrayType.Int64 => tensor(array.As<long>().ToArray(), array.Shape),
        ArrayType.Int32 => tensor(array.As<int>().ToArray(), array.Shape),
        _ => tensor(array.ToSingles(), array.Shape),
    };

    /// <summary>The configuration of the training runs, with the golden sizes.</summary>
    public RunConfig Config(params string[] overrides)
    {
        var c = Description.GetProperty("config");
        int Int(string key) => c.GetProperty(key).GetInt32();
        var widths = string.Join(",", c.GetProperty("widths").EnumerateArray().Select(w => w.GetInt32()));
        var path = Path.Combine(Directory.CreateTempSubdirectory("mcn-golden-").FullName, "golden.json");
        System.IO.File.WriteAllText(path, $$"""
            {
              "data": { "train_csv": "videopaths.csv", "features_path": "howto", "caption_path": "caption.pickle", "word2vec_path": "word2vec.bin",
                        "batch_size": {{Int("B")}}, "n_pair": {{Int("P")}}, "howto_audio_frames": {{Int("T")}}, "max_words": {{Int("MW")}} },
              "model": { "embd_dim": {{Int("D")}}, "feature_dim": {{Int("V")}}, "we_dim": {{Int("WE")}}, "layer_widths": [{{widths}}], "recon_size": {{Int("R")}} },
              "objective": { "queue_size": {{Int("Q")}}, "cluster_size": {{Int("K")}} },
              "optimizer": { "lr": {{c.GetProperty("lr").GetDouble()}}, "schedule": "constant", "epochs": 1 },
              "compatibility": "original"
            }
            """);
        try
        {
            return RunConfigFile.Read(path, overrides);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    /// <summary>Batch of training step `step`, flattened video-major.</summary>
    public ClipTensors Clips(int step)
    {
        var arrays = Arrays("batches");
        Tensor Flat(string name) => arrays[$"step{step}_{name}"].flatten(0, 1);
        return ClipTensors.Dense(Flat("video"), Flat("audio"), Flat("nframes").to(ScalarType.Int64), Flat("text"));
    }

    /// <summary>A network with the golden starting weights.</summary>
    public McnNetwork Network(RunConfig config)
    {
        var network = new McnNetwork(config.Model);
        Load(network, Arrays("init_params"));
        return network;
    }

    /// <summary>Copies every array that the network has under that name; the golden names are the original's.</summary>
    public static void Load(McnNetwork network, IReadOnlyDictionary<string, Tensor> arrays)
    {
        using var _ = no_grad();
        foreach (var (name, value) in network.state_dict())
        {
            Assert.True(arrays.TryGetValue(name, out var golden), $"{name} is not among the golden arrays");
            Assert.Equal(golden!.shape, value.shape);
            value.copy_(golden);
        }
    }

    /// <summary>Relative L2 distance over the whole array.</summary>
    public static double Distance(Tensor actual, Tensor golden)
    {
        Assert.Equal(golden.shape, actual.shape);
        var a = actual.detach().to(ScalarType.Float64);
        var b = golden.detach().to(ScalarType.Float64);
        return (a - b).norm().item<double>() / Math.Max(b.norm().item<double>(), 1e-30);
    }

    public static void Near(Tensor actual, Tensor golden, double limit, string what)
    {
        var distance = Distance(actual, golden);
        Assert.True(distance <= limit, $"{what}: relative L2 {distance:G3}, limit {limit:G3}");
    }
}
