using System.Runtime;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data;

/// <summary>Everything a run reads, opened in the order that keeps memory small: list, evaluation sets, captions, vectors.</summary>
public sealed class TrainingData
{
    const int ManyCaptions = 1_000_000;

    readonly RunConfig config;
    readonly ShardStore? shards;
    readonly int[] recordOfVideo;

    TrainingData(RunConfig config, VideoList videos, CaptionStore captions, EvaluationData evaluation, ShardStore? shards, string? readMode)
    {
        this.config = config;
        this.shards = shards;
        recordOfVideo = shards?.Map(videos) ?? [];
        Videos = videos;
        Captions = captions;
        Vocabulary = evaluation.Vocabulary;
        EvaluationSets = evaluation.Sets;
        Shape = BatchShape.Of(config);
        if (shards is not null) Reading = HowToRead(shards.Manifest.Shards.Length, readMode);
        if (Reading?.Mode == ReadModes.Sequential)
        {
            Windows = new WindowPlan(config.Seed, [.. shards!.Manifest.Shards.Select(shard => shard.Bytes)],
                Array.ConvertAll(recordOfVideo, shards.ShardOf), config.Data.ShuffleWindowBytes, config.Data.Echo);
            Reading = Reading with { ShardsPerWindow = Windows.ShardsPerWindow };
        }

        Plan = new BatchPlan(config.Seed, videos.Count, config.Data.BatchSize, Windows);
        BadRecords = new BadRecords(videos, config.Data.BadRecordBudget);
        Fingerprint = DataFingerprint.With(DataFingerprint.Of(videos, captions, Vocabulary, Shape), shards, Windows, config.Data.Echo);
    }

    public VideoList Videos { get; }

    public CaptionStore Captions { get; }

    /// <summary>Words of the training captions and of the evaluation sets.</summary>
    public Vocabulary Vocabulary { get; }

    public IReadOnlyList<RetrievalSet> EvaluationSets { get; }

    public BatchPlan Plan { get; }

    /// <summary>How shards are read whole (read_mode sequential); null: they are not.</summary>
    public WindowPlan? Windows { get; }

    /// <summary>How shards are read, and why; null: the original's layout.</summary>
    public ShardReading? Reading { get; }

    public BatchShape Shape { get; }

    /// <summary>What was padded in all batches read so far, and where the readers' time went.</summary>
    public DataCounters Counters { get; } = new();

    /// <summary>The newest one made here; null before.</summary>
    public Prefetcher? Prefetcher { get; private set; }

    /// <summary>Videos that could not be used and were skipped.</summary>
    public BadRecords BadRecords { get; }

    /// <summary>XXH3-128 in hex over list, captions, word vectors and sizes: a resumed run must find the same.</summary>
    public string Fingerprint { get; }

    /// <summary>Reads all but the features. Throws <see cref="Shared.UserError"/> for whatever the user can mend.</summary>
    /// <param name="readMode">What data.read_mode `auto` meant where the run began; null: it is decided here.</param>
    public static TrainingData Open(RunConfig config, string? readMode = null)
    {
        // The concurrent collector would mark on the cores that read captions: a tenth of the time for 120,000 videos on two cores.
        var usual = GCSettings.LatencyMode;
        GCSettings.LatencyMode = GCLatencyMode.Batch;
        try
        {
            return Read(config, readMode);
        }
        finally
        {
            GCSettings.LatencyMode = usual;
        }
    }

    static TrainingData Read(RunConfig config, string? readMode)
    {
        var shards = config.Data.Shards.Length > 0 ? ShardStore.Open(config) : null;
        var videos = VideoList.Read(shards?.VideosCsv ?? config.Data.TrainCsv);
        var sets = EvaluationData.ReadSets(config);
        var draft = CaptionDraft.Read(shards?.CaptionPickle ?? config.Data.CaptionPath, videos, config.Compatibility.NoneIsAWord);
        var evaluation = EvaluationData.WithVocabulary(config, sets, draft.Words);
        var data = new TrainingData(config, videos, draft.Encode(evaluation.Vocabulary, config.Data.MaxWords), evaluation, shards, readMode);
        // Reading captions leaves as much garbage as data, and nothing that comes after would make the runtime give it back.
        if (data.Captions.Count >= ManyCaptions) GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return data;
    }

    /// <summary>Starts the reader threads at a position (both from 0); they stop after optimizer.epochs.</summary>
    /// <param name="inWindows">False: clips are read one by one, in the order that windows give (to measure the readers by themselves).</param>
    public Prefetcher CreatePrefetcher(int epoch, int step, bool inWindows = true)
    {
        var range = new ReadRange(epoch, step, config.Optimizer.Epochs);
        var stream = Windows is null || !inWindows ? null : new WindowStream(shards!, Windows, Plan, range, Counters);
        try
        {
            return Prefetcher = new Prefetcher(Plan, Shape, range, config.Data.NumThreadReader, config.Data.ReadAheadBytes, () => CreateReader(stream), stream);
        }
        catch
        {
            stream?.Dispose();
            throw;
        }
    }

    ShardReading HowToRead(int count, string? began)
    {
        var (mode, because) = ReadModes.Of(config.Data, began);
        return new ShardReading(mode, because, config.Data.Echo, count, count);
    }

    SlotReader CreateReader(WindowStream? stream)
    {
        IVideoSource source = shards is null ? new HowToLayout(config, Videos, Counters) : new ShardSource(config, shards, recordOfVideo, Counters, stream);
        var reader = new VideoReader(config, Captions, source);
        var skipping = new SkippingReader(reader.Fill, Plan, config.Seed, Counters, BadRecords);
        return new SlotReader(stream is null ? skipping.Fill : (batch, slot) => stream.During(batch, slot, skipping.Fill), reader);
    }
}
