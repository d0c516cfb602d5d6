using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data.Shards;

/// <summary>What is expected before the first byte is written, from a few videos that were encoded for it.</summary>
/// <param name="Bytes">Of the pack.</param>
/// <param name="BytesPerVideo">Mean.</param>
/// <param name="Time">Reading and encoding; the disk that is written to is not known yet.</param>
public sealed record PackEstimate(int Videos, long Bytes, double BytesPerVideo, TimeSpan Time);

/// <summary>How far a pack is.</summary>
/// <param name="Done">Videos in shards or skipped, those of an interrupted pack included.</param>
/// <param name="DoneNow">Videos of this process.</param>
/// <param name="BytesNow">Written by this process.</param>
public readonly record struct PackProgress(int Done, int DoneNow, int Videos, long BytesNow, int Skipped, int ShardsKept);

/// <summary>
/// Packs the videos of a configuration into shards. The shards follow one another in the order of the permutation, each a function of the
/// sources alone, so an interrupted pack goes on behind its last whole shard and ends with the same bytes. One process a folder.
/// </summary>
public sealed class DataPack : IDisposable
{
    const int EstimatedFrom = 8;

    /// <summary>Of the estimate: sizes of videos differ.</summary>
    const double SpaceMargin = 1.02;

    readonly RunConfig config;
    readonly PackRequest request;
    readonly Action<PackProgress> progress;
    readonly CancellationToken stop;
    readonly VideoList videos;
    readonly int[] order;
    readonly FileStream folderLock;
    readonly CaptionSpool captions;
    readonly PackFeed feed;
    readonly PackBudget budget;
    readonly List<ShardFile> shards = [];
    readonly List<SkippedVideo> skipped = [];
    readonly HashSet<string> packed = new(StringComparer.Ordinal);
    long captionCount;
    int doneBefore;
    int done;
    int kept;
    long written;
    bool isFull;

    DataPack(RunConfig config, PackRequest request, Action<PackProgress> progress, CancellationToken stop)
    {
        (this.config, this.request, this.progress, this.stop) = (config, request, progress, stop);
        videos = VideoList.Read(config.Data.TrainCsv);
        order = PackPlan.Order(request, videos);
        budget = new PackBudget(request.FitBytes);
        folderLock = PackFolder.Lock(request.Folder);
        try
        {
            var ids = order.Select(videos.IdOf).ToHashSet(StringComparer.Ordinal);
            captions = CaptionSpool.Read(config.Data.CaptionPath, PathOf("captions.tmp"), ids, request.Captions, stop);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }

        feed = new PackFeed(() => new RecordEncoder(config, videos, captions, request.Encoding, request.Captions), videos, order, request.Threads);
    }

    /// <summary>Makes, completes or verifies the pack.</summary>
    /// <param name="begin">Told what is expected before anything is written.</param>
    /// <param name="progress">After each video and shard, on this thread.</param>
    /// <exception cref="OperationCanceledException">The whole shards stay; the same request goes on behind them.</exception>
    /// <exception cref="UserError">No space, another pack in the folder, no usable video.</exception>
    public static PackManifest Run(RunConfig config, PackRequest request, Action<PackEstimate> begin, Action<PackProgress> progress, CancellationToken stop)
    {
        HowToLayout.Require(config);
        if (File.Exists(request.Folder)) throw new UserError(request.Folder, "a file", "a folder", "Name a new or empty folder", ExitCodes.Refused);
        var isNew = !Directory.Exists(request.Folder);
        try
        {
            using var pack = new DataPack(config, request, progress, stop);
            return pack.Run(begin);
        }
        catch (IOException error)
        {
            throw new UserError(request.Folder, $"cannot be written ({error.Message})", "", "Make room or mend the disk; the same command goes on behind the last whole shard", inner: error);
        }
        finally
        {
            if (isNew) PackFolder.DeleteIfEmpty(request.Folder);
        }
    }

    public void Dispose()
    {
        feed.Dispose();
        captions.Dispose();
        folderLock.Dispose();
    }

    PackManifest Run(Action<PackEstimate> begin)
    {
        var plan = PackPlan.Of(config, request, videos, order, captions);
        PackFolder.RequireSame(request.Folder, plan);
        var estimate = Estimate();
        begin(estimate);
        PackFolder.RequireSpace(request.Folder, (long)(estimate.Bytes * SpaceMargin));
        DurableJson.Write(PathOf(ShardFormat.Plan), plan, ShardJson.Default.PackPlan);
        File.Delete(PathOf(ShardFormat.Manifest)); // true again at the end

        while (!isFull && done < order.Length)
        {
            var index = Keep() ?? Write();
            if (index is null) break; // full, or the rest was left out
            Account(index);
        }

        if (packed.Count == 0) throw new UserError(request.Folder, "no video was packed" + (skipped.Count > 0 ? $": {skipped[0].Reason}" : ""), "at least one", request.FitBytes is null ? "Mend the data" : "Raise --fit-gb");
        return Finish(plan);
    }

    PackEstimate Estimate()
    {
        var began = Stopwatch.GetTimestamp();
        feed.Seek(0);
        var (bytes, count) = (0L, 0);
        using var encoder = new RecordEncoder(config, videos, captions, request.Encoding, request.Captions);
        for (var i = 0; i < Math.Min(EstimatedFrom, order.Length); i++)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                bytes += PackBudget.BytesOf(encoder.Encode(order[i]));
                count++;
            }
            catch (UserError)
            {
                // Counted and listed when its turn comes.
            }
        }

        var mean = bytes / Math.Max(1.0, count);
        var fit = request.FitBytes is { } most && mean > 0 ? Math.Min(order.Length, (int)Math.Min(int.MaxValue, most / mean)) : order.Length;
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds / Math.Max(1, count) * fit / request.Threads;
        return new PackEstimate(fit, Math.Min((long)(mean * fit), request.FitBytes ?? long.MaxValue), mean, TimeSpan.FromSeconds(seconds));
    }

    /// <summary>The next shard as an earlier process left it; null when it is not there, not whole, or another one.</summary>
    ShardIndex? Keep()
    {
        var tar = PathOf(ShardFormat.TarOf(shards.Count));
        if (!File.Exists(tar) || !File.Exists(ShardFormat.IndexOf(tar))) return null;
        stop.ThrowIfCancellationRequested();
        try
        {
            var index = DurableJson.Read(ShardFormat.IndexOf(tar), ShardJson.Default.ShardIndex);
            if (index.First != done || index.Next <= done || index.Next > order.Length) return null;
            ShardCheck.Verify(tar, index);
            doneBefore += index.Next - index.First;
            kept++;
            return index;
        }
        catch (Exception error) when (error is UserError or EndOfStreamException)
        {
            return null; // made again
        }
    }

    ShardIndex? Write()
    {
        feed.Seek(done);
        var tar = PathOf(ShardFormat.TarOf(shards.Count));
        File.Delete(ShardFormat.IndexOf(tar)); // an index without its shard is no finished shard
        using var writer = new ShardWriter(tar);
        var next = done;
        var left = new List<SkippedVideo>();
        for (; feed.Peek(stop) is { } fed; next++)
        {
            if (fed.Video is { } video)
            {
                if (writer.Count > 0 && writer.Bytes + video.TarBytes > request.ShardBytes) break;
                isFull = !budget.Admits(video);
                if (isFull) break;
                writer.Add(video);
                written += video.TarBytes;
            }
            else
            {
                left.Add(fed.Skipped!);
            }

            feed.Take();
            Tell(next + 1, left.Count);
        }

        if (writer.Count > 0) return writer.Finish(done, next, [.. left]);
        skipped.AddRange(left);
        return null;
    }

    void Account(ShardIndex index)
    {
        var file = PathOf(ShardFormat.IndexOf(index.Tar));
        var bytes = File.ReadAllBytes(file);
        shards.Add(new ShardFile(index.Tar, index.Records.Length, index.Bytes, index.Xxh3, bytes.Length, ShardCheck.HashOf(bytes)));
        skipped.AddRange(index.Skipped);
        foreach (var record in index.Records)
        {
            packed.Add(record.Path);
            captionCount += record.Captions;
        }

        budget.Account(index);
        done = index.Next;
        Tell(done, 0);
    }

    PackManifest Finish(PackPlan plan)
    {
        PackFolder.DeleteShardsFrom(request.Folder, shards.Count);
        DurableJson.Write(PathOf(ShardFormat.Videos), stream => PackFolder.WriteList(stream, videos, packed));
        var ids = packed.Select(path => path[(path.LastIndexOf('/') + 1)..]).ToHashSet(StringComparer.Ordinal);
        DurableJson.Write(PathOf(ShardFormat.Captions), stream => CaptionSpool.WritePickle(config.Data.CaptionPath, stream, ids, request.Captions));
        var manifest = new PackManifest
        {
            FormatVersion = ShardFormat.Version,
            Encoding = plan.Encoding,
            SourceFingerprint = plan.SourceFingerprint,
            Seed = request.Seed,
            MinTime = config.Data.MinTime,
            FeatureFramerate = config.Data.FeatureFramerate,
            FeatureDim = config.Model.FeatureDim,
            MelBands = config.Model.MelBands,
            CaptionsKept = request.Captions,
            Videos = packed.Count,
            Captions = captionCount,
            Bytes = shards.Sum(shard => shard.Bytes + shard.IndexBytes) + new FileInfo(PathOf(ShardFormat.Videos)).Length + new FileInfo(PathOf(ShardFormat.Captions)).Length,
            Shards = [.. shards],
            Skipped = [.. skipped],
        };
        DurableJson.Write(PathOf(ShardFormat.Manifest), manifest, ShardJson.ForFiles.PackManifest);
        return manifest;
    }

    void Tell(int now, int left) => progress(new PackProgress(now, now - doneBefore, order.Length, written, skipped.Count + left, kept));

    string PathOf(string name) => Path.Combine(request.Folder, name);
}
