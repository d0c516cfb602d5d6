using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>Videos that cannot be used: skipped, replaced by the same rule everywhere, counted, and too many of them end it.</summary>
public sealed class SkippingReaderTests
{
    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public void What_takes_the_place_of_a_bad_video_does_not_depend_on_readers_or_on_where_it_starts()
    {
        using var set = new SmallSet(11);
        File.Delete(set.PathOf("features/a/v4/v4_spec.npz"));
        File.WriteAllBytes(set.PathOf("features/a/v7/v7_2d.npz"), [1, 2, 3]);
        var config = With(set, budget: 0.2);
        var all = Videos(config, readers: 1, epoch: 0, step: 0, count: 15, out var bad);
        Assert.DoesNotContain(all, batch => batch.Contains(4) || batch.Contains(7));
        Assert.All(all, batch => Assert.Equal(2, batch.Distinct().Count()));
        Assert.Equal(2, bad.Count);
        Assert.Equal(["v4", "v7"], bad.TakeNew().Select(record => record.Id).Order(StringComparer.Ordinal));
        Assert.Empty(bad.TakeNew());
        Assert.Equal(all, Videos(config, 2, 0, 0, 15, out _));
        Assert.Equal(all, Videos(config, 7, 0, 0, 15, out _));
        Assert.Equal(all[7..], Videos(config, 3, 1, 2, 8, out _)); // 5 steps an epoch
    }

    [Fact]
    public void The_clips_of_the_other_video_are_whole()
    {
        using var set = new SmallSet(11);
        File.WriteAllBytes(set.PathOf("features/a/v4/v4_spec.npz"), [1]); // its features are read before that is found
        var data = TrainingData.Open(With(set, 0.2));
        using var prefetcher = data.CreatePrefetcher(0, 0);
        for (var step = 0; step < 10; step++)
        {
            var batch = prefetcher.Next(cancellation);
            var expected = new Batch(data.Shape) { Epoch = batch.Epoch, StepInEpoch = batch.StepInEpoch };
            batch.Videos.CopyTo(expected.Videos, 0);
            using var reader = new VideoReader(With(set, 0.2), data.Videos, data.Captions, new DataCounters());
            for (var slot = 0; slot < 2; slot++) reader.Fill(expected, slot);
            Assert.Equal(expected.Video, batch.Video);
            Assert.Equal(expected.Audio, batch.Audio);
            Assert.Equal(expected.Tokens, batch.Tokens);
            Assert.Equal(expected.FrameCounts, batch.FrameCounts);
            prefetcher.Return(batch);
        }
    }

    [Fact]
    public void More_bad_videos_than_the_budget_end_it_with_the_list()
    {
        using var set = new SmallSet(11);
        foreach (var video in new[] { 2, 5, 8 }) File.Delete(set.PathOf($"features/a/v{video}/v{video}_3d.npz"));
        var error = Assert.Throws<UserError>(() => Videos(With(set, 0.2), 3, 0, 0, 15, out _));
        Assert.Equal(ExitCodes.Fails, error.ExitCode);
        Assert.Contains("3 of 11 videos cannot be used", error.Message, StringComparison.Ordinal);
        Assert.All(new[] { "v2_3d.npz", "v5_3d.npz", "v8_3d.npz" }, name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
        Assert.Contains("at most 2 (data.bad_record_budget = 0.2)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_budget_that_allows_every_video_still_ends_when_none_can_be_read()
    {
        using var set = new SmallSet(4);
        Directory.Delete(set.PathOf("features"), recursive: true);
        Directory.CreateDirectory(set.PathOf("features"));
        Assert.Contains("no such file", Assert.Throws<UserError>(() => Videos(With(set, 1), 1, 0, 0, 1, out _)).Message, StringComparison.Ordinal);
    }

    static RunConfig With(SmallSet set, double budget) => set.Config with { Data = set.Config.Data with { BadRecordBudget = budget } };

    List<int[]> Videos(RunConfig config, int readers, int epoch, int step, int count, out BadRecords bad)
    {
        var data = TrainingData.Open(config with { Data = config.Data with { NumThreadReader = readers } });
        bad = data.BadRecords;
        using var prefetcher = data.CreatePrefetcher(epoch, step);
        var batches = new List<int[]>();
        while (batches.Count < count)
        {
            var batch = prefetcher.Next(cancellation);
            batches.Add([.. batch.Videos]);
            prefetcher.Return(batch);
        }

        return batches;
    }
}
