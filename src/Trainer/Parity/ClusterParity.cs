using Mcn.Web.Trainer.Objective;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>k-means from given rows, and the queue at the published constants.</summary>
static class ClusterParity
{
    // The published step, which queue_original was made with whatever the sizes of the folder.
    const int Videos = 128;
    const int ClipsPerVideo = 32;
    const int EveryNthRow = 16;

    public static void KMeans(GoldenFolder golden, ParityReport report)
    {
        var arrays = golden.Arrays("kmeans.npz");
        foreach (var run in golden.Json("kmeans.json").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var name = run.GetProperty("name").GetString()!;
            var rows = arrays[$"{name}_X"];
            var initial = rows.index_select(0, arrays[$"{name}_init_indices"].to(ScalarType.Int64));
            var cosine = run.GetProperty("mode").GetString() == "cosine";
            var fit = cosine ? SphericalKMeans.Run(rows, initial, zeroEmptyClusters: true) : EuclideanKMeans.Run(rows, initial);
            var assigned = cosine ? SphericalKMeans.Assign(rows, fit.Centroids) : EuclideanKMeans.Assign(rows, fit.Centroids);
            report.Same($"kmeans.{name}.iterations", [fit.Iterations], [run.GetProperty("iterations").GetInt32()]);
            report.Same($"kmeans.{name}.centroid_rows_all_zero", ZeroRows(fit.Centroids), run.GetProperty("centroid_rows_all_zero").EnumerateArray().Select(row => row.GetInt64()));
            report.Near($"kmeans.{name}.centroids", fit.Centroids, arrays[$"{name}_centroids"], ParityReport.OutputLimit);
            report.Same($"kmeans.{name}.labels_returned", Longs(fit.Labels), Longs(arrays[$"{name}_labels_returned"]));
            report.Same($"kmeans.{name}.labels_of_final_centroids", Longs(assigned), Longs(arrays[$"{name}_labels_of_final_centroids"]));
        }
    }

    public static void Queue(GoldenFolder golden, ParityReport report)
    {
        var arrays = golden.Arrays("queue_original.npz");
        FeatureQueue? queue = null;
        try
        {
            foreach (var expected in golden.Description.GetProperty("queue_original").EnumerateArray())
            {
                using var scope = NewDisposeScope();
                var step = expected.GetProperty("step").GetInt32();
                var rows = arrays[$"in{step}"];
                var after = arrays[$"queue{step}"];
                var steps = (int)(after.shape[0] * EveryNthRow / (Videos * (ClipsPerVideo / 2)));
                queue ??= new FeatureQueue(steps, Videos, ClipsPerVideo, (int)rows.shape[1], CPU);
                var before = queue.IsFull;
                report.Same($"queue_original.use_the_queue.{step}", [before], [expected.GetProperty("use_the_queue").GetBoolean()]);
                report.Same($"queue_original.out_rows.{step}", [rows.shape[0] + (before ? queue.Rows().shape[0] : 0)], [expected.GetProperty("out_rows").GetInt64()]);
                if (before) report.Value($"queue_original.out_head_sum.{step}", Sum(queue.Rows()), expected.GetProperty("out_head_sum").GetDouble(), ParityReport.LossLimit);
                queue.Push(rows);
                var ours = queue.Rows();
                report.Value($"queue_original.queue_sum.{step}", Sum(ours), expected.GetProperty("queue_sum").GetDouble(), ParityReport.LossLimit);
                report.Near($"queue_original.queue{step}", ours[TensorIndex.Slice(step: EveryNthRow)], after, 0);
            }
        }
        finally
        {
            queue?.Dispose();
        }
    }

    static double Sum(Tensor rows) => rows.to(ScalarType.Float64).sum().item<double>();

    static long[] Longs(Tensor labels) => labels.to(ScalarType.Int64).data<long>().ToArray();

    static IEnumerable<long> ZeroRows(Tensor centroids)
    {
        var empty = centroids.abs().sum([1L]).data<float>().ToArray();
        return Enumerable.Range(0, empty.Length).Where(row => empty[row] == 0).Select(row => (long)row);
    }
}
