using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class CounterRandomTests
{
    [Fact]
    public void Values_are_pinned_because_runs_depend_on_them()
    {
        var random = new CounterRandom(1, RandomPurpose.ClipChoice, 2, 3);
        Assert.Equal([6131664423633378334, 2726900085179196936, 557885831937850213], new[] { random.At(0), random.At(1), random.At(ulong.MaxValue) });
        Assert.Equal([3, 1, 3, 7, 0, 9, 0, 7], Enumerable.Range(0, 8).Select(_ => random.Next(10)));
        Assert.Equal([3, 7, 4, 5, 1, 0, 2, 6], new CounterRandom(-5, RandomPurpose.VideoOrder, 7).Permutation(8));
    }

    [Fact]
    public void Position_of_the_cursor_does_not_matter_for_At()
    {
        var random = new CounterRandom(9, RandomPurpose.KMeans);
        var third = random.At(2);
        random.NextUInt64();
        random.NextUInt64();
        Assert.Equal(third, random.NextUInt64());
    }

    [Fact]
    public void Every_part_of_the_key_matters()
    {
        var keys = new[]
        {
            new CounterRandom(1, RandomPurpose.ClipChoice, 2, 3), new CounterRandom(2, RandomPurpose.ClipChoice, 2, 3),
            new CounterRandom(1, RandomPurpose.VideoOrder, 2, 3), new CounterRandom(1, RandomPurpose.ClipChoice, 3, 2),
            new CounterRandom(1, RandomPurpose.ClipChoice, 2, 4), new CounterRandom(-1, RandomPurpose.ClipChoice, 2, 3),
        };
        Assert.Equal(keys.Length, keys.Select(random => random.At(0)).Distinct().Count());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(64)]
    public void Integers_are_uniform(int bound)
    {
        const int draws = 60_000;
        var random = new CounterRandom(4, RandomPurpose.Bootstrap);
        var counts = new int[bound];
        for (var i = 0; i < draws; i++) counts[random.Next(bound)]++;
        var expected = draws / (double)bound;
        var chiSquare = counts.Sum(count => (count - expected) * (count - expected) / expected);
        Assert.True(chiSquare < bound + (5 * Math.Sqrt(2.0 * bound)), $"chi-square {chiSquare:F1} for {bound} cells");
    }

    [Fact]
    public void Streams_of_neighbouring_videos_are_unrelated()
    {
        // First draw of 20,000 videos of one epoch: uniform, and no correlation from one video to the next.
        var first = Enumerable.Range(0, 20_000).Select(video => new CounterRandom(1, RandomPurpose.ClipChoice, 0, video).NextDouble()).ToArray();
        Assert.InRange(first.Average(), 0.49, 0.51);
        var correlation = first.Zip(first.Skip(1), (a, b) => (a - 0.5) * (b - 0.5)).Average() * 12;
        Assert.InRange(correlation, -0.03, 0.03);
    }

    [Fact]
    public void A_permutation_holds_every_number_once() =>
        Assert.Equal(Enumerable.Range(0, 1000), new CounterRandom(3, RandomPurpose.VideoOrder, 1).Permutation(1000).Order());
}
