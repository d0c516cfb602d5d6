using Mcn.Web.Trainer.Objective;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class ClusteringTests
{
    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void KMeans_equals_the_original_with_an_empty_cluster_too(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("kmeans");
        foreach (var run in golden.Json("kmeans.json").EnumerateArray().Where(run => run.GetProperty("mode").GetString() == "cosine"))
        {
            var name = run.GetProperty("name").GetString()!;
            var rows = arrays[$"{name}_X"];
            var initial = rows.index_select(0, arrays[$"{name}_init_indices"].to(ScalarType.Int64));

            var fit = SphericalKMeans.Run(rows, initial, zeroEmptyClusters: true);

            Assert.Equal(run.GetProperty("iterations").GetInt32(), fit.Iterations);
            Assert.Equal(run.GetProperty("centroid_rows_all_zero").GetArrayLength(), fit.EmptyClusters);
            GoldenSet.Near(fit.Centroids, arrays[$"{name}_centroids"], 1e-5, name);
            Assert.Equal(arrays[$"{name}_labels_returned"].to(ScalarType.Int64).data<long>().ToArray(), fit.Labels.data<long>().ToArray());
            var assigned = SphericalKMeans.Assign(rows, fit.Centroids);
            Assert.Equal(arrays[$"{name}_labels_of_final_centroids"].to(ScalarType.Int64).data<long>().ToArray(), assigned.data<long>().ToArray());
        }
    }

    [Fact]
    public void An_empty_cluster_stays_where_it_was_when_zeroing_is_off()
    {
        using var scope = NewDisposeScope();
        var rows = tensor(new float[] { 1, 0, 2, 0 }, [2, 2]);
        var initial = tensor(new float[] { 1, 0, -1, 0 }, [2, 2]);
        var fit = SphericalKMeans.Run(rows, initial, zeroEmptyClusters: false);
        Assert.Equal(1, fit.EmptyClusters);
        Assert.Equal(-1f, fit.Centroids[1, 0].item<float>());
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void The_queue_holds_what_the_original_holds_at_the_published_constants(string set)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var arrays = golden.Arrays("queue_original");
        using var queue = new FeatureQueue(steps: 3, videos: 128, clipsPerVideo: 32, width: 2, CPU);
        var steps = golden.Description.GetProperty("queue_original").EnumerateArray().ToArray();
        for (var step = 0; step < steps.Length; step++)
        {
            Assert.Equal(steps[step].GetProperty("use_the_queue").GetBoolean(), queue.IsFull);
            queue.Push(arrays[$"in{step}"]);
            var every16th = queue.Rows().index_select(0, tensor(Enumerable.Range(0, 384).Select(i => 16L * i).ToArray()));
            GoldenSet.Near(every16th, arrays[$"queue{step}"], 0, $"queue after step {step}");
        }
    }
}
