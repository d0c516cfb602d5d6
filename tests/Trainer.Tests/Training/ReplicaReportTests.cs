using System.Diagnostics;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>What a run of several replicas tells of itself: of all of them, not of rank 0.</summary>
public sealed class ReplicaReportTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_run_tells_how_a_step_lies_on_its_replicas_where_its_time_goes_and_who_waits(int replicas)
    {
        using var run = new SmallRun();
        run.Config = run.Config with
        {
            Devices = [.. Enumerable.Repeat("cpu", replicas)],
            Model = run.Config.Model with { BatchnormGroup = run.Config.ClipsPerStep / 4 },
        };
        var records = run.Train().Records;

        var started = records.OfType<RunStarted>().Single();
        Assert.Equal(replicas == 1 ? "cpu" : "cpu x 2", started.Device);
        var batch = started.Batch!;
        Assert.Equal((2, 4, replicas, 8 / replicas, 2, 2), (batch.Videos, batch.ClipsPerVideo, batch.Replicas, batch.ClipsPerReplica, batch.GroupClips, batch.ClipsHeld));
        Assert.Equal(8 / replicas - 2, batch.EncodedTwice(batch.ClipsHeld));
        Assert.Equal("cpu", Assert.Single(batch.Planned).Device);

        var steps = records.OfType<StepMetrics>().ToList();
        Assert.Equal([0.5, 1, 1], steps.Take(3).Select(step => step.Values[MetricCatalog.KMeansQueue])); // of 2 steps
        Assert.All(steps, step =>
        {
            double? Value(string name) => step.Values.TryGetValue(name, out var value) ? value : null;
            Assert.True(Value(MetricCatalog.GradientNorm) > 0);
            string[] parts = [MetricCatalog.HostToDevice, MetricCatalog.Forward, MetricCatalog.Backward, MetricCatalog.Exchange, MetricCatalog.Optimizer];
            Assert.All(parts, part => Assert.True(Value(part) is null or >= 0, part));
            Assert.InRange(parts.Sum(part => Value(part) ?? 0) + Value(MetricCatalog.DataWait)!.Value, 0, Value(MetricCatalog.StepDuration)!.Value);
            Assert.Equal(replicas > 1, Value(MetricCatalog.Exchange) > 0);
            for (var rank = 0; rank < 2; rank++) Assert.Equal(replicas > 1, Value(MetricCatalog.Of(MetricCatalog.RankWait, rank)) is >= 0 and <= 1);
        });
    }

    [Theory]
    [InlineData(24, 1)]
    [InlineData(6, 1)]
    [InlineData(6, 2)]
    [InlineData(6, 4)]
    public void The_norm_is_that_of_the_gradient_over_all_clips_and_parameters_whoever_owns_them(int group, int replicas)
    {
        using var team = RandomBatches.Team(RandomBatches.Config(group, 0, [.. Enumerable.Repeat("cpu", replicas)]));
        var told = team.Step(RandomBatches.Batch(team.Config, 0), 1e-3, read: true).GradientNorm!.Value;

        // After one step Adam's first moment is the gradient times 1 - beta1.
        var squares = team.Moments.Sum(moment => Math.Pow(moment.First.to(TorchSharp.torch.ScalarType.Float64).norm().item<double>(), 2));
        Assert.Equal(Math.Sqrt(squares) / (1 - team.Config.Optimizer.Beta1), told, told * 1e-5);
        Assert.Null(team.Step(RandomBatches.Batch(team.Config, 1), 1e-3, read: false).GradientNorm);
    }

    [Fact]
    public void Norms_of_several_replicas_have_the_bits_of_one()
    {
        double[] Norms(int replicas)
        {
            using var team = RandomBatches.Team(RandomBatches.Config(6, 0, [.. Enumerable.Repeat("cpu", replicas)]));
            return [.. Enumerable.Range(0, 4).Select(step => team.Step(RandomBatches.Batch(team.Config, step), 1e-3, read: true).GradientNorm!.Value)];
        }

        Assert.Equal(Norms(1), Norms(4));
    }

    [Fact]
    public void A_replica_that_comes_late_waits_least_and_the_others_as_long_as_it_takes()
    {
        using var folder = new TestKit.TempFolder();
        using var recorder = FlightRecorder.Create(folder.File("recorder.bin"), "r", 1, ["0", "1"], TimeProvider.System);
        var exchange = new GradientExchange([TorchSharp.torch.CPU, TorchSharp.torch.CPU], lanes: recorder.Lanes);
        var early = new Thread(() => exchange.Meet(0, "gradients"));
        early.Start();
        Assert.True(SpinWait.SpinUntil(() => recorder.Lanes[0].Phase == RecorderPhase.Exchange, SmallWorker.Patience), "it never came");
        var here = Stopwatch.GetTimestamp(); // a timed wait goes by a coarser clock and may end a little early
        Assert.False(new ManualResetEventSlim().Wait(50, TestContext.Current.CancellationToken));
        var late = Stopwatch.GetElapsedTime(here);
        exchange.Meet(1, "gradients");
        early.Join();

        Assert.Equal(TimeSpan.Zero, exchange.Waited[1]);
        Assert.True(exchange.Waited[0] >= late, $"{exchange.Waited[0]}");
    }
}
