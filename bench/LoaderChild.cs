using System.Diagnostics;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Bench;

/// <summary>
/// One measurement of our loader: opens a configuration's data, fills batches with so many readers, and does nothing with them. Warm
/// means: two seconds have passed, so code is compiled, and the read-ahead was full once, as it is in training, so all buffers are there.
/// </summary>
static class LoaderChild
{
    public const string Name = "loader";

    static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    public static JsonObject Run(string config, int readers, double seconds)
    {
        var run = RunConfigFile.Read(config, [$"data.num_thread_reader={readers}", "optimizer.epochs=1000000"]);
        var data = TrainingData.Open(run);
        using var batches = data.CreatePrefetcher(0, 0);
        var began = Stopwatch.GetTimestamp();
        var held = batches.Next(CancellationToken.None); // as the training thread holds one
        SpinWait.SpinUntil(() => batches.QueueDepth == batches.Capacity);
        batches.Return(held);
        while (Stopwatch.GetElapsedTime(began) < WarmUp) batches.Return(batches.Next(CancellationToken.None));

        BenchChildren.Begin();
        began = Stopwatch.GetTimestamp();
        var clips = 0L;
        double Elapsed() => Stopwatch.GetElapsedTime(began).TotalSeconds;
        while (Elapsed() < seconds)
        {
            var batch = batches.Next(CancellationToken.None);
            clips += batch.Shape.Clips;
            batches.Return(batch);
        }

        return new JsonObject { ["clips"] = clips, ["seconds"] = Elapsed() };
    }
}
