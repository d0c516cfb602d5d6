using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>
/// CPU time of a video in the original's layout and in each encoding of `data pack`, measured with the loader itself: some videos of the
/// list are packed into a temporary folder, and one reader, on the calling thread, fills batches from them out of the page cache. Words are
/// left out: they cost the same in each.
/// </summary>
static class EncodingCosts
{
    /// <summary>Spread evenly over the list. Some 7 MB each in the published shapes.</summary>
    const int MostVideos = 16;

    /// <summary>CPU time of each measurement.</summary>
    static readonly TimeSpan Time = TimeSpan.FromSeconds(0.5);

    /// <param name="config">Over the original's layout.</param>
    /// <param name="folder">Empty; holds one pack at a time and is deleted in the end.</param>
    /// <returns>Encoding → seconds of CPU a video.</returns>
    /// <exception cref="Shared.UserError">No video can be read, or the folder has no space.</exception>
    public static IReadOnlyDictionary<string, double> Measure(RunConfig config, VideoList videos, string folder, CancellationToken stop)
    {
        try
        {
            var few = Few(config, videos, folder);
            var costs = new Dictionary<string, double>(StringComparer.Ordinal);
            foreach (var name in PackEncodings.All)
            {
                var pack = Path.Combine(folder, name);
                var request = new PackRequest(pack, PackEncodings.Parse(name, name), Videos: null, Captions: null, ShardBytes: 1 << 30, FitBytes: null, Seed: 1, Threads: 1);
                DataPack.Run(few, request, _ => { }, _ => { }, stop);
                using var store = ShardStore.Open(few with { Data = few.Data with { Shards = pack } });
                // The videos that could be packed: what reads the original's layout is asked for no others.
                var list = VideoList.Read(store.VideosCsv);
                var captions = CaptionDraft.Read(store.CaptionPickle, list).Encode(new Vocabulary([], [], config.Model.WeDim), config.Data.MaxWords);
                if (costs.Count == 0) costs["original"] = Cost(few, list, captions, new HowToLayout(few, list, new DataCounters()), stop);
                costs[name] = Cost(few, list, captions, new ShardSource(few, store, store.Map(list), new DataCounters(), windows: null), stop);
                Directory.Delete(pack, recursive: true);
            }

            return costs;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The configuration over a short list with its own captions, so that the long pickle is gone through once and not for each pack.</summary>
    static RunConfig Few(RunConfig config, VideoList videos, string folder)
    {
        var count = Math.Min(MostVideos, videos.Count);
        var paths = Enumerable.Range(0, count).Select(i => videos.PathOf((int)((long)i * videos.Count / count))).ToHashSet(StringComparer.Ordinal);
        var (list, pickle) = (Path.Combine(folder, ShardFormat.Videos), Path.Combine(folder, ShardFormat.Captions));
        using (var stream = File.Create(list)) PackFolder.WriteList(stream, videos, paths);
        var ids = paths.Select(path => path[(path.LastIndexOf('/') + 1)..]).ToHashSet(StringComparer.Ordinal);
        using (var stream = File.Create(pickle)) CaptionSpool.WritePickle(config.Data.CaptionPath, stream, ids, null);
        return config with { Data = config.Data with { TrainCsv = list, CaptionPath = pickle } };
    }

    static double Cost(RunConfig config, VideoList list, CaptionStore captions, IVideoSource source, CancellationToken stop)
    {
        using var reader = new VideoReader(config, captions, source);
        var batch = new Batch(BatchShape.Of(config) with { Videos = 1 });
        Round(epoch: 0); // compiles, fills the page cache, compares checksums
        var (before, rounds) = (ThreadTime.Now, 0);
        do Round(epoch: ++rounds);
        while (ThreadTime.Now - before < Time);
        return (ThreadTime.Now - before).TotalSeconds / rounds / list.Count;

        void Round(int epoch)
        {
            stop.ThrowIfCancellationRequested();
            batch.Epoch = epoch;
            for (var video = 0; video < list.Count; video++)
            {
                batch.Videos[0] = video;
                reader.Fill(batch, 0);
            }
        }
    }
}
