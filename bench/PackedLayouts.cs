using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Bench;

/// <summary>Packs of a set in every encoding, beside the set: made once, verified each time, with a configuration over each.</summary>
static class PackedLayouts
{
    /// <summary>Target of product.md for pre-pooled 8-bit shards.</summary>
    const string SizeTarget = "<= 0.33";

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
            var request = new PackRequest(pack, PackEncodings.Parse(name, set), Videos: null, Captions: null, ShardBytes: 512_000_000, FitBytes: null, Seed: 1, Environment.ProcessorCount);
            sizes[name] = DataPack.Run(config, request, _ => { }, _ => { }, CancellationToken.None).Bytes;
            var file = pack + ".json";
            RunConfigFile.Write(file, config with
            {
                Data = config.Data with { Shards = pack, TrainCsv = "", FeaturesPath = "", FeaturesPathAudio = "", CaptionPath = "" },
            });
            layouts.Add(($"shards {name}", file));
        }

        foreach (var (name, bytes) in sizes.Where(size => size.Key != "fp16"))
            report.Ratio($"{set}, shards {name}: bytes / bytes as fp16", bytes / sizes["fp16"], name == "pooled-u8" ? SizeTarget : "");
        return layouts;
    }
}
