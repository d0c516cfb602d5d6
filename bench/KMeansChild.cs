using System.Diagnostics;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Bench;

/// <summary>Fits of k-means over random rows that lie in eight pieces, in parts or in one piece; timed by the iteration.</summary>
static class KMeansChild
{
    public const string Name = "kmeans";

    // A fit at the smallest size is 2 iterations: long enough that .NET has compiled what is used, and that single fits do not matter.
    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    static readonly TimeSpan Least = TimeSpan.FromSeconds(3);

    /// <summary>As training fits.</summary>
    public const string Parts = "parts";

    /// <summary>As the original does: the pieces joined and their directions beside them.</summary>
    public const string Dense = "dense";

    /// <param name="config">Names the devices, which share the parts, and the precision.</param>
    public static JsonObject Run(string procedure, int rows, int width, int clusters, int threads, string config)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        var run = RunConfigFile.Read(config, []);
        var devices = VideoParts.Devices(TorchDevices.Open(run));
        var pieces = devices.Select((device, part) => Random(VideoParts.Begin(rows, part + 1) - VideoParts.Begin(rows, part), width, part).to(device)).ToArray();
        var initial = pieces[0].narrow(0, 0, clusters).clone();
        int Fit()
        {
            using var inner = NewDisposeScope();
            return procedure == Dense ? SphericalKMeans.Run(cat([.. pieces.Select(piece => piece.to(initial.device))], 0), initial, zeroEmptyClusters: true).Iterations : InParts(pieces, initial);
        }

        Timed(WarmUp, Fit);
        BenchChildren.Begin();
        var (fits, iterations, time) = Timed(Least, Fit);
        return new JsonObject { ["iterations"] = (double)iterations / fits, ["iteration"] = time.TotalSeconds / iterations, ["devices"] = Boards.Read(run.Devices) };
    }

    static (int Fits, int Iterations, TimeSpan Time) Timed(TimeSpan least, Func<int> fit)
    {
        var began = Stopwatch.GetTimestamp();
        var (fits, iterations) = (0, 0);
        while (Stopwatch.GetElapsedTime(began) < least) (fits, iterations) = (fits + 1, iterations + fit());
        return (fits, iterations, Stopwatch.GetElapsedTime(began));
    }

    static int InParts(Tensor[] pieces, Tensor initial)
    {
        var parts = pieces.Select(piece => new KMeansPart(piece.device, [piece])).ToArray();
        var fit = ShardedKMeans.Run(parts, initial, asOriginal: false);
        foreach (var part in parts) part.Dispose();
        return fit.Iterations;
    }

    static Tensor Random(int rows, int width, int seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.SampleSet);
        var values = new float[rows * width];
        for (var i = 0; i < values.Length; i++) values[i] = (float)random.NextDouble() - 0.5f;
        return tensor(values, [rows, width]);
    }
}
