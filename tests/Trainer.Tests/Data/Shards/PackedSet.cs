using System.IO.Hashing;
using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>Packs of a configuration in a folder of their own, and what a run reads from them.</summary>
sealed class PackedSet(RunConfig original) : IDisposable
{
    readonly TempFolder folder = new();

    public static PackRequest Request(string folder, PackEncoding encoding = PackEncoding.Fp16) =>
        new(folder, encoding, Videos: null, Captions: null, ShardBytes: 60_000, FitBytes: null, Seed: 1, Threads: 2);

    public string PathOf(string name) => folder.File(name);

    public PackManifest Make(PackRequest request) => DataPack.Run(original, request, _ => { }, _ => { }, TestContext.Current.CancellationToken);

    public RunConfig Pack(PackEncoding encoding, string? name = null)
    {
        var request = Request(PathOf(name ?? encoding.ToString()), encoding);
        Make(request);
        return Over(request.Folder);
    }

    /// <summary>The configuration over a pack.</summary>
    public RunConfig Over(string pack) => original with
    {
        Data = original.Data with { Shards = pack, TrainCsv = "", FeaturesPath = "", FeaturesPathAudio = "", CaptionPath = "" },
    };

    /// <summary>Every file of a folder, with the hash of its bytes.</summary>
    public static SortedDictionary<string, string> Files(string pack) =>
        new(Directory.GetFiles(pack).ToDictionary(file => Path.GetFileName(file)!, file => Convert.ToHexString(XxHash128.Hash(File.ReadAllBytes(file)))));

    /// <summary>Position and hash of every array of some batches.</summary>
    public static List<string> Batches(RunConfig config, int readers, int epoch, int step, int count)
    {
        var data = TrainingData.Open(config with { Data = config.Data with { NumThreadReader = readers, ReadAheadBytes = 3 * BatchShape.Of(config).Bytes } });
        using var prefetcher = data.CreatePrefetcher(epoch, step);
        var hashes = new List<string>();
        while (hashes.Count < count)
        {
            var batch = prefetcher.Next(TestContext.Current.CancellationToken);
            var hash = new XxHash128();
            hash.Append(MemoryMarshal.AsBytes(batch.Video.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Audio.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.FrameCounts.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Tokens.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Videos.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.CaptionIndices.AsSpan()));
            hashes.Add($"{batch.Epoch}.{batch.StepInEpoch}.{Convert.ToHexString(hash.GetCurrentHash())}");
            prefetcher.Return(batch);
        }

        return hashes;
    }

    public void Dispose() => folder.Dispose();
}
