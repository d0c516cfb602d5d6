using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>The prefetcher with readers that write numbers instead of reading files.</summary>
public sealed class PrefetcherTests
{
    static readonly BatchShape Shape = new(Videos: 4, ClipsPerVideo: 2, VideoWidth: 3, MelBands: 2, Frames: 5, Words: 2);
    static readonly BatchPlan Plan = new(1, 22, 4);
    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Batches_come_in_the_order_of_the_plan(int readers)
    {
        using var prefetcher = Start(readers, capacity: 3, new ReadRange(1, 3, 4), Write);
        var (epoch, step) = (1, 3);
        var videos = new int[4];
        for (var i = 0; i < 12; i++)
        {
            var batch = prefetcher.Next(cancellation);
            Assert.Equal((epoch, step), (batch.Epoch, batch.StepInEpoch));
            Plan.VideosOf(epoch, step, videos);
            Assert.Equal(videos, batch.Videos);
            Assert.Equal(videos.SelectMany(video => new[] { video, video }), batch.FrameCounts);
            (epoch, step) = Plan.After(epoch, step);
            prefetcher.Return(batch);
        }

        Assert.Equal((4, 0), (epoch, step));
        Assert.Throws<InvalidOperationException>(() => prefetcher.Next(cancellation));
    }

    [Fact]
    public void Never_reads_further_ahead_than_the_bound()
    {
        var filled = 0;
        using var prefetcher = Start(3, capacity: 2, new ReadRange(0, 0, 100), (batch, slot) =>
        {
            Write(batch, slot);
            Interlocked.Increment(ref filled);
        });
        Assert.Equal(2, prefetcher.Capacity);
        SpinWait.SpinUntil(() => prefetcher.QueueDepth == 2, TimeSpan.FromSeconds(10));
        Assert.Equal(2, prefetcher.QueueDepth);
        Assert.Equal(8, Volatile.Read(ref filled));
        prefetcher.Return(prefetcher.Next(cancellation));
        SpinWait.SpinUntil(() => prefetcher.QueueDepth == 2, TimeSpan.FromSeconds(10));
        Assert.Equal(12, Volatile.Read(ref filled));
    }

    [Fact]
    public void Batches_in_the_consumers_hands_never_block_it()
    {
        using var prefetcher = Start(2, capacity: 1, new ReadRange(0, 0, 2), Write);
        var kept = Enumerable.Range(0, 10).Select(_ => prefetcher.Next(cancellation)).ToList();
        Assert.Equal(10, kept.Distinct().Count());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_failure_arrives_in_its_place_and_stays(int readers)
    {
        using var prefetcher = Start(readers, capacity: 4, new ReadRange(0, 0, 9), (batch, slot) =>
        {
            if (batch is { Epoch: 0, StepInEpoch: 2 } && slot >= 1) throw new UserError($"slot {slot}", "torn", "", "");
            Write(batch, slot);
        });
        prefetcher.Return(prefetcher.Next(cancellation));
        prefetcher.Return(prefetcher.Next(cancellation));
        for (var i = 0; i < 3; i++) Assert.Equal("slot 1", Assert.Throws<UserError>(() => prefetcher.Next(cancellation)).Subject);
    }

    [Fact]
    public void A_reader_that_cannot_be_made_is_a_failure_too()
    {
        using var prefetcher = new Prefetcher(Plan, Shape, new ReadRange(0, 0, 1), 3, Shape.Bytes, () => throw new InvalidDataException("no reader"));
        Assert.Throws<InvalidDataException>(() => prefetcher.Next(cancellation));
    }

    [Fact]
    public void Waiting_ends_with_the_token()
    {
        using var release = new ManualResetEventSlim();
        using var prefetcher = Start(1, capacity: 1, new ReadRange(0, 0, 1), (_, _) => release.Wait(cancellation));
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        Assert.Throws<OperationCanceledException>(() => prefetcher.Next(source.Token));
        Assert.True(prefetcher.ConsumerWait > TimeSpan.FromMilliseconds(20));
        release.Set();
    }

    [Fact]
    public void Dispose_ends_every_thread_and_closes_what_they_opened()
    {
        var began = Stopwatch.GetTimestamp();
        using var closed = new CountdownEvent(3);
        var prefetcher = new Prefetcher(Plan, Shape, new ReadRange(0, 0, 1000), 3, 2 * Shape.Bytes, () => new SlotReader(Write, new Closing(closed)));
        for (var i = 0; i < 20; i++) prefetcher.Return(prefetcher.Next(cancellation));
        prefetcher.Dispose();
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(5));
        Assert.InRange(closed.CurrentCount, 0, 2); // a thread that never got a slot has opened nothing
        Assert.Throws<ObjectDisposedException>(() => prefetcher.Next(cancellation));
    }

    [Fact]
    public void Refuses_a_bound_below_one_batch()
    {
        var error = Assert.Throws<UserError>(() => new Prefetcher(Plan, Shape, new ReadRange(0, 0, 1), 1, Shape.Bytes - 1, () => new SlotReader(Write)));
        Assert.Contains("data.read_ahead_bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{Shape.Bytes - 1} bytes", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{Shape.Bytes} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_of_a_batch_are_exact()
    {
        var batch = new Batch(Shape);
        var bytes = (batch.Video.Length * 4) + (batch.Audio.Length * 2) + (batch.FrameCounts.Length * 4) + (batch.Tokens.Length * 4)
            + (batch.Videos.Length * 4) + (batch.CaptionIndices.Length * 4);
        Assert.Equal(bytes, batch.Bytes);
    }

    [Fact]
    public void Repeated_captions_are_counted_within_a_video()
    {
        var batch = new Batch(Shape with { Videos = 2, ClipsPerVideo = 4 });
        new[] { 1, 2, 1, 1, 2, 2, 3, 4 }.CopyTo(batch.CaptionIndices, 0);
        Assert.Equal(3, batch.CountRepeatedClips());
    }

    static Prefetcher Start(int readers, int capacity, ReadRange range, Action<Batch, int> fill) =>
        new(Plan, Shape, range, readers, capacity * Shape.Bytes, () => new SlotReader(fill));

    static void Write(Batch batch, int slot) => batch.FrameCounts.AsSpan(slot * 2, 2).Fill(batch.Videos[slot]);

    sealed class Closing(CountdownEvent closed) : IDisposable
    {
        public void Dispose() => closed.Signal();
    }
}
