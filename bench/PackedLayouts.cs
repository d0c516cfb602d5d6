using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Bench;

/// <summary>Packs of a set in every encoding, beside the set: made once, verified each time, with a configuration over each.</summary>
static class PackedLayouts
{
    /// <summary>Target of product.md for pre-pooled 8-bit shards.</summary>
    const string SizeTarget = "<= 0.33";

    // Small, so that few videos make several windows: in use shards have half a gigabyte and more.
    const long ShardBytes = 32_000_000;
    const long WindowBytes = 4 * ShardBytes + (8 << 20);

    /// <param name="original">Configuration over the original's layout.</param>
    /// <param name="folder">Where the packs go.</param>
    /// <returns>Name and configuration of each.</returns>
    public static List<(string Name, string Config)> Make(BenchReport report, string set, string original, string folder)
    {
        var config = RunConfigFile.Read(original, []);
        var sizes = new Dictionary<string, double>();
        var layouts = new List<(string, string)>();
        foreach (var name in PackEncodings.All)
        {
            var pack = Path.GetFullPath(Path.Combine(folder, name));
            var request = new PackRequest(pack, PackEncodings.Parse(name, set), Videos: null, Captions: null, ShardBytes, FitBytes: null, Seed: 1, Environment.ProcessorCount);
            sizes[name] = DataPack.Run(config, request, _ => { }, _ => { }, CancellationToken.None).Bytes;
            Add($"shards {name}", pack, ReadModes.Random);
            if (name == "fp16") Add($"shards {name}, sequential", pack, ReadModes.Sequential);
        }

        foreach (var (name, bytes) in sizes.Where(size => size.Key != "fp16"))
            report.Ratio($"{set}, shards {name}: bytes / bytes as fp16", bytes / sizes["fp16"], name == "pooled-u8" ? SizeTarget : "");
        return layouts;

        void Add(string name, string pack, string mode)
        {
            var file = $"{pack}-{mode}.json";
            RunConfigFile.Write(file, config with
            {
                Data = config.Data with { Shards = pack, TrainCsv = "", FeaturesPath = "", FeaturesPathAudio = "", CaptionPath = "", ReadMode = mode, ShuffleWindowBytes = WindowBytes },
            });
            layouts.Add((name, file));
        }
    }
}
