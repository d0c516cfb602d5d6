using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Tests.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class ShardedKMeansTests
{
    [Theory]
    [InlineData(203, 7, 9, ScalarType.Float32)]
    [InlineData(64, 3, 5, ScalarType.Float64)]
    [InlineData(1000, 33, 16, ScalarType.Float32)]
    public void In_parts_and_small_blocks_the_original_procedure_gives_what_it_gives_in_one_piece(int rows, int width, int clusters, ScalarType precision)
    {
        using var scope = NewDisposeScope();
        var all = Rows(rows, width, rows).to(precision);
        var initial = all.narrow(0, 0, clusters).clone();
        var dense = SphericalKMeans.Run(all, initial, zeroEmptyClusters: true);
        foreach (var cut in new[] { 1, 3, 8 })
        {
            var parts = Cut(all, cut);
            var fit = ShardedKMeans.Run(parts, initial, asOriginal: true);
            Assert.Equal((dense.Iterations, dense.EmptyClusters, 0), (fit.Iterations, fit.EmptyClusters, fit.Splits));
            Assert.Equal(dense.Labels.data<long>().ToArray(), parts.SelectMany(part => part.Labels).SelectMany(labels => labels.data<long>().ToArray()));
            Assert.InRange((dense.Centroids - fit.Centroids).abs().max().to(ScalarType.Float64).item<double>(), 0, 1e-5);
            foreach (var part in parts) part.Dispose();
        }
    }

    [Fact]
    public void Blocks_of_any_size_give_the_same_labels_and_counts()
    {
        using var scope = NewDisposeScope();
        var rows = Rows(101, 6, 1);
        var directions = SphericalKMeans.Normalised(Rows(4, 6, 2));
        var answers = new long[] { 1, 100, 1000, KMeansPart.MostBlockBytes }.Select(bytes =>
        {
            using var part = new KMeansPart(CPU, [rows]);
            var sums = part.Assign(directions, bytes);
            return (Labels: part.Labels[0].data<long>().ToArray(), Counts: sums.Counts.data<long>().ToArray());
        }).ToArray();
        Assert.Equal(101, answers[0].Counts.Sum());
        Assert.All(answers, answer => Assert.Equal(answers[0].Labels, answer.Labels));
        Assert.All(answers, answer => Assert.Equal(answers[0].Counts, answer.Counts));
    }

    [Fact]
    public void Labels_sums_and_counts_of_a_part_are_those_of_a_plain_loop_in_double_precision()
    {
        using var scope = NewDisposeScope();
        const int Clusters = 5, Width = 7;
        var wide = Rows(92, Width + 4, 5);
        // Rows that do not lie side by side, none at all, and such of another precision.
        Tensor[] segments = [wide.narrow(0, 0, 41).narrow(1, 2, Width), wide.narrow(0, 41, 0).narrow(1, 2, Width), wide.narrow(0, 41, 51).narrow(1, 2, Width).to(ScalarType.BFloat16)];
        double[][] rows = [.. segments.SelectMany(segment => Values<double>(segment.to(ScalarType.Float64)).Chunk(Width))];
        using var part = new KMeansPart(CPU, segments);
        long[] before = [];
        foreach (var seed in new[] { 6, 7 })
        {
            var directions = SphericalKMeans.Normalised(Rows(Clusters, Width, seed));
            double[][] centroids = [.. directions.to(ScalarType.Float64).data<double>().ToArray().Chunk(Width)];
            long[] labels = [.. rows.Select(row => (long)Enumerable.Range(0, Clusters).MaxBy(cluster => row.Zip(centroids[cluster], (x, y) => x * y).Sum()))];
            var sums = part.Assign(directions, 13 * Clusters * sizeof(float)); // 41 and 51 rows in blocks of 13
            Assert.Equal(labels, part.Labels.SelectMany(Values<long>));
            Assert.Equal(Enumerable.Range(0, Clusters).Select(cluster => labels.LongCount(label => label == cluster)), sums.Counts.data<long>().ToArray());
            Assert.Equal(before.Zip(labels).Count(pair => pair.First != pair.Second), sums.Changed.item<long>());
            double[] expected = [.. Enumerable.Range(0, Clusters).SelectMany(cluster => Enumerable.Range(0, Width)
                .Select(column => rows.Where((_, row) => labels[row] == cluster).Sum(row => row[column])))];
            Assert.All(expected.Zip(sums.Rows.data<float>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            before = labels;
        }

        Assert.InRange(part.ChangedSinceFirst(), 20, 92);
    }

    [Fact]
    public void A_part_without_rows_adds_nothing()
    {
        using var scope = NewDisposeScope();
        var rows = Rows(60, 3, 8);
        KMeansPart[] parts = [new(CPU, [rows]), new(CPU, [rows.narrow(0, 0, 0)])];
        var fit = ShardedKMeans.Run(parts, rows.narrow(0, 0, 4).clone(), asOriginal: true);
        Assert.Equal(60, parts[0].Labels[0].shape[0]);
        Assert.Equal(0, parts[1].Labels[0].shape[0]);
        Assert.True(fit.Centroids.equal(SphericalKMeans.Run(rows, rows.narrow(0, 0, 4).clone(), zeroEmptyClusters: true).Centroids).all().item<bool>());
        foreach (var part in parts) part.Dispose();
    }

    [Fact]
    public void A_row_goes_to_the_first_of_the_centroids_that_are_equally_near()
    {
        using var scope = NewDisposeScope();
        const int Clusters = 70; // a row of similarities is several vectors and a rest
        foreach (var (first, second) in new[] { (0, 69), (3, 4), (15, 16), (8, 40), (63, 64), (68, 69) })
        {
            // Whole numbers, so that equal similarities are equal to the last bit.
            var directions = zeros(Clusters, 4);
            directions.select(0, first).fill_(Scalars.One);
            directions.select(0, second).fill_(Scalars.One);
            var rows = ones(33, 4);
            using var part = new KMeansPart(CPU, [rows]);
            Assert.Equal(33, part.Assign(directions).Counts[first].item<long>());
            Assert.All(SphericalKMeans.Assign(rows, directions).data<long>().ToArray(), label => Assert.Equal(first, label));
            Assert.All(SphericalKMeans.Assign(rows.neg(), directions).data<long>().ToArray(), label => Assert.Equal(first == 0 ? 1 : 0, label));
        }
    }

    [Fact]
    public void Clusters_are_bitwise_the_same_however_many_ranks_share_the_queue()
    {
        var config = RandomBatches.Config(group: 12);
        var histories = new[] { 1, 2, 4 }.Select(ranks =>
        {
            using var scope = NewDisposeScope();
            using var clusters = new OnlineClusters(config, [.. Enumerable.Repeat(CPU, ranks)], RandomBatches.FirstRows);
            List<byte> history = [];
            for (var step = 0; step < 8; step++)
            {
                history.AddRange(clusters.Update(Rows(config.ClipsPerStep, config.Model.EmbdDim, step), 0, step).bytes.ToArray());
                history.AddRange(clusters.Centroids!.bytes.ToArray());
            }

            Assert.True(clusters.Queue!.IsFull);
            return history;
        }).ToArray();
        Assert.Equal(histories[0], histories[1]);
        Assert.Equal(histories[0], histories[2]);
    }

    [Fact]
    public void An_empty_cluster_takes_half_of_the_largest_one_and_is_counted()
    {
        using var scope = NewDisposeScope();
        var rows = Rows(600, 5, 3).abs();
        var initial = cat([rows.narrow(0, 0, 2), zeros(1, 5) - rows.narrow(0, 2, 1)], 0); // nobody points that way
        var (kept, split) = (SphericalKMeans.Run(rows, initial, zeroEmptyClusters: false), Fit(rows, initial));
        Assert.Equal(1, kept.EmptyClusters);
        Assert.Equal((0, 1), (split.EmptyClusters, split.Splits));
        Assert.InRange(split.Entropy, 0.8, 1);
    }

    [Fact]
    public void A_fit_ends_when_labels_rest_and_tells_how_many_moved()
    {
        using var scope = NewDisposeScope();
        var rows = Rows(500, 4, 4);
        var first = Fit(rows, rows.narrow(0, 0, 3).clone());
        Assert.InRange(first.Iterations, 3, ShardedKMeans.MostIterations);
        Assert.InRange(first.Churn, 0.01, 0.9);
        var atRest = Fit(rows, first.Centroids);
        Assert.InRange(atRest.Iterations, 2, ShardedKMeans.MostIterations - 1);
        var again = Fit(rows, atRest.Centroids);
        Assert.Equal((2, 0.0), (again.Iterations, again.Churn));
    }

    [Fact]
    public void Tiny_clusters_are_split_too_while_the_largest_has_rows_to_share()
    {
        long[] sizes = [9000, 1, 600, 0, 700];
        Assert.Equal([new ClusterSplit(1, 0), new ClusterSplit(3, 0)], ClusterSplit.Plan(sizes));
        Assert.Equal([2250, 4500, 600, 2250, 700], sizes);
        Assert.Empty(ClusterSplit.Plan([1, 0, 1]));
    }

    [Fact]
    public void Entropy_is_one_for_equal_sizes_and_zero_when_one_has_all()
    {
        Assert.Equal(1, ShardedKMeans.Entropy([5, 5, 5, 5]), 12);
        Assert.Equal(0, ShardedKMeans.Entropy([0, 20, 0, 0]), 12);
        Assert.Equal(0.5, ShardedKMeans.Entropy([7, 7, 0, 0]), 12);
    }

    [Theory]
    [InlineData(3, 5, 4)]
    [InlineData(11, 2, 3)]
    [InlineData(1, 4, 2)]
    [InlineData(17, 7, 5)]
    public void The_ring_holds_the_first_clips_of_the_last_steps_for_any_batch(int videos, int clips, int steps)
    {
        using var scope = NewDisposeScope();
        using var queue = new FeatureQueue(steps, videos, clips, 2, CPU, CPU, CPU);
        List<Tensor> newestFirst = [];
        for (var step = 0; step < (2 * steps) + 1; step++)
        {
            Assert.Equal(step >= steps, queue.IsFull);
            var fused = Rows(videos * clips, 2, step);
            queue.Push(fused);
            newestFirst.Insert(0, fused.view(videos, clips, 2).narrow(1, 0, clips / 2).reshape(-1, 2));
        }

        var expected = cat([.. newestFirst.Take(steps)], 0);
        Assert.True(expected.equal(queue.Rows()).all().item<bool>());
        for (var row = 0; row < expected.shape[0]; row++) Assert.True(expected.select(0, row).equal(queue.Row(row)).all().item<bool>());
        using var restored = new FeatureQueue(steps, videos, clips, 2, CPU);
        var oldestPlaceFirst = cat([.. Enumerable.Range(0, steps).Select(place => newestFirst[(place - queue.Head + steps) % steps].unsqueeze(0))], 0);
        restored.Restore(oldestPlaceFirst);
        restored.Restore(queue.Head, queue.Filled);
        Assert.True(expected.equal(restored.Rows()).all().item<bool>());
    }

    static ShardedKMeans.Fit Fit(Tensor rows, Tensor initial)
    {
        var parts = Cut(rows, 4);
        var fit = ShardedKMeans.Run(parts, initial, asOriginal: false);
        foreach (var part in parts) part.Dispose();
        return fit;
    }

    static KMeansPart[] Cut(Tensor rows, int parts) =>
        [.. Enumerable.Range(0, parts).Select(part => (Begin: rows.shape[0] * part / parts, End: rows.shape[0] * (part + 1) / parts))
            .Select(range => new KMeansPart(CPU, [rows.narrow(0, range.Begin, (range.End - range.Begin) / 3), rows.narrow(0, range.Begin + ((range.End - range.Begin) / 3), range.End - range.Begin - ((range.End - range.Begin) / 3))]))];

    static T[] Values<T>(Tensor tensor) where T : unmanaged => tensor.numel() == 0 ? [] : tensor.contiguous().data<T>().ToArray();

    static Tensor Rows(long rows, long width, int seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.Initialisation);
        return tensor([.. Enumerable.Range(0, (int)(rows * width)).Select(_ => (float)random.NextDouble() - 0.5f)], [rows, width]);
    }
}
