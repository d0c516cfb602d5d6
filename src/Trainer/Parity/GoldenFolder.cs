using System.Globalization;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Model;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>
/// A folder of golden vectors: numbers that the original program made (what each is: the folder's own README). Sizes come from its
/// description.json, so that a set of other sizes and seeds is checked by the same code. Read only.
/// </summary>
public sealed class GoldenFolder
{
    const string DescriptionName = "description.json";

    readonly Dictionary<string, JsonElement> documents = new(StringComparer.Ordinal);

    GoldenFolder(string path)
    {
        Path = path;
        Description = Json(DescriptionName);
    }

    public string Path { get; }

    public JsonElement Description { get; }

    /// <summary>Sizes of the training runs: B, P, D, V, WE, MW, T, R, K, Q, widths, lr.</summary>
    public JsonElement Sizes => Description.GetProperty("config");

    /// <exception cref="UserError">No such folder, or its description cannot be read.</exception>
    public static GoldenFolder Open(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, DescriptionName)))
            throw new UserError(path, $"no {DescriptionName}", "a folder of golden vectors", "Give the folder that has the description and the .npz files", ExitCodes.Usage);
        return new GoldenFolder(System.IO.Path.GetFullPath(path));
    }

    public string FileOf(string name) => System.IO.Path.Combine(Path, name);

    public bool Has(string name) => System.IO.Path.Exists(FileOf(name));

    public int Size(string key) => Sizes.GetProperty(key).GetInt32();

    /// <summary>A JSON file of the folder.</summary>
    /// <exception cref="UserError">It is no JSON.</exception>
    public JsonElement Json(string name)
    {
        if (documents.TryGetValue(name, out var known)) return known;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(FileOf(name)));
            return documents[name] = document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw new UserError(FileOf(name), error.Message, "JSON", "Copy the folder again", inner: error);
        }
    }

    /// <summary>Every array of an .npz file.</summary>
    public GoldenArrays Arrays(string name) => new(FileOf(name), Npz.ReadAll(FileOf(name)));

    /// <summary>The configuration of the training runs: the original's behaviour throughout, at the folder's sizes.</summary>
    /// <param name="overrides">`key=value`, as for --set.</param>
    public RunConfig Config(params string[] overrides)
    {
        var widths = Sizes.GetProperty("widths").EnumerateArray().Select(width => width.GetInt32());
        string[] all =
        [
            $"data.batch_size={Size("B")}", $"data.n_pair={Size("P")}", $"data.howto_audio_frames={Size("T")}", $"data.max_words={Size("MW")}",
            $"model.embd_dim={Size("D")}", $"model.feature_dim={Size("V")}", $"model.we_dim={Size("WE")}", $"model.recon_size={Size("R")}",
            $"model.layer_widths=[{string.Join(',', widths)}]", $"objective.queue_size={Size("Q")}", $"objective.cluster_size={Size("K")}",
            string.Create(CultureInfo.InvariantCulture, $"optimizer.lr={Sizes.GetProperty("lr").GetDouble():R}"), "optimizer.schedule=constant", "optimizer.epochs=1",
            .. overrides,
        ];
        var file = System.IO.Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, $$"""
                { "data": { "train_csv": {{Quoted("videopaths.csv")}}, "features_path": {{Quoted("howto")}}, "caption_path": {{Quoted("caption.pickle")}},
                            "word2vec_path": {{Quoted("word2vec.bin")}} },
                  "compatibility": "original" }
                """);
            return RunConfigFile.Read(file, all);
        }
        finally
        {
            File.Delete(file);
        }

        string Quoted(string name) => $"\"{JsonEncodedText.Encode(FileOf(name))}\"";
    }

    /// <summary>A network with the golden starting weights, in training mode.</summary>
    public McnNetwork Network(RunConfig config)
    {
        var network = new McnNetwork(config.Model);
        new Training.NetworkWeights(FileOf("init_params.npz"), Npz.ReadAll(FileOf("init_params.npz"))).CopyInto(network, config.Model);
        network.train();
        return network;
    }

    /// <summary>Batch of a training step, flattened video-major.</summary>
    public ClipTensors Clips(int step)
    {
        var arrays = Arrays("batches.npz");
        Tensor Flat(string name) => arrays[$"step{step}_{name}"].flatten(0, 1);
        return ClipTensors.Dense(Flat("video"), Flat("audio"), Flat("nframes").to(ScalarType.Int64), Flat("text"));
    }
}

/// <summary>The arrays of one golden file, as tensors on the CPU.</summary>
public sealed class GoldenArrays(string file, IReadOnlyDictionary<string, HostArray> arrays)
{
    public IEnumerable<string> Names => arrays.Keys.Order(StringComparer.Ordinal);

    public bool Has(string name) => arrays.ContainsKey(name);

    /// <exception cref="UserError">The file has no such array.</exception>
    public HostArray Host(string name) => arrays.TryGetValue(name, out var array)
        ? array
        : throw new UserError(file, $"no array {name}", $"one of {arrays.Count}, such as {Names.FirstOrDefault()}", "Copy the folder again");

    public float[] Singles(string name) => Host(name).ToSingles();

    /// <summary>A fresh tensor: int64 and int32 as they are, everything else in single precision.</summary>
    public Tensor this[string name]
    {
        get
        {
            var array = Host(name);
            return array.Type switch
            {
                ArrayType.Int64 => tensor(array.As<long>().ToArray(), array.Shape),
                ArrayType.Int32 => tensor(array.As<int>().ToArray(), array.Shape),
                _ => tensor(array.ToSingles(), array.Shape),
            };
        }
    }
}
