using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>What the one stream of mode sequential asks of the disk, read by read.</summary>
public sealed class WindowStreamTests : IDisposable
{
    const int Videos = 23;
    const int PieceBytes = 4096; // of shards of 50 KB
    const long SmallWindow = 280_000;

    readonly SmallSet set = new(Videos);
    readonly PackedSet packs;
    readonly RunConfig config;
    readonly ShardStore store;
    readonly WindowPlan windows;
    readonly BatchPlan batches;
    readonly List<(int Shard, long Offset, int Bytes)> reads = []; // by the stream's thread alone, looked at when it has ended

    public WindowStreamTests()
    {
        packs = new PackedSet(set.Config);
        config = packs.Pack(PackEncoding.Fp16);
        store = ShardStore.Open(config);
        store.OnRead = (shard, offset, bytes) => reads.Add((shard, offset, bytes));
        var records = store.Map(VideoList.Read(store.VideosCsv));
        windows = new WindowPlan(config.Seed, [.. store.Manifest.Shards.Select(shard => shard.Bytes)], Array.ConvertAll(records, store.ShardOf), SmallWindow, echo: 1);
        batches = new BatchPlan(config.Seed, Videos, config.Data.BatchSize, windows);
    }

    [Fact]
    public void A_shard_is_read_from_front_to_back_and_the_head_moves_once_a_shard()
    {
        Assert.True(windows.Windows > 2);
        Read(new ReadRange(0, 0, 2));
        var (seeks, at) = (new List<(int Shard, long Offset)>(), (Shard: -1, Offset: 0L));
        foreach (var (shard, offset, bytes) in reads)
        {
            if ((shard, offset) != at) seeks.Add((shard, offset));
            Assert.InRange(bytes, 1, PieceBytes);
            at = (shard, offset + bytes);
        }

        Assert.All(seeks, seek => Assert.Equal(0, seek.Offset));
        Assert.Equal(Wanted(0, 0).Concat(Wanted(1, 0)), seeks.Select(seek => seek.Shard));
        Assert.Equal(seeks.Sum(seek => store.ShardBytesOf(seek.Shard)), reads.Sum(read => (long)read.Bytes)); // no byte twice
        Assert.True(reads.Count > 5 * seeks.Count, "shards of one piece show nothing");
    }

    [Fact]
    public void A_resumed_run_reads_from_the_window_of_its_step_on()
    {
        for (var step = 0; step < batches.StepsPerEpoch; step++)
        {
            reads.Clear();
            Read(new ReadRange(1, step, 2));
            Assert.Equal(Wanted(1, step), reads.Where(read => read.Offset == 0).Select(read => read.Shard));
        }

        Assert.NotEqual(Wanted(1, 0), Wanted(1, batches.StepsPerEpoch - 1));
    }

    public void Dispose()
    {
        store.Dispose();
        packs.Dispose();
        set.Dispose();
    }

    /// <summary>Shards of the windows from a step to the last whole batch, in their order.</summary>
    IEnumerable<int> Wanted(int epoch, int step)
    {
        var order = windows.Of(epoch);
        var (first, last) = (order.WindowAt(step * batches.BatchSize), order.WindowAt((batches.StepsPerEpoch * batches.BatchSize) - 1));
        return order.Shards[first..(last + 1)].SelectMany(shards => shards);
    }

    /// <summary>Goes through the range as readers do.</summary>
    void Read(ReadRange range)
    {
        using var stream = new WindowStream(store, windows, batches, range, new DataCounters(), PieceBytes);
        var batch = new Batch(BatchShape.Of(config));
        for (var (epoch, step) = (range.Epoch, range.Step); epoch < range.EndEpoch; (epoch, step) = batches.After(epoch, step))
        {
            (batch.Epoch, batch.StepInEpoch) = (epoch, step);
            for (var slot = 0; slot < batches.BatchSize; slot++) stream.During(batch, slot, (_, _) => { });
        }
    }
}
