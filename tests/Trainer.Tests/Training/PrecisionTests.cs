using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class PrecisionTests
{
    [Fact]
    public void In_bf16_embeddings_and_losses_stay_in_single_precision_and_the_gradient_is_near_that_of_single_precision()
    {
        var (exact, near) = (Gradients("fp32"), Gradients("bf16"));
        Assert.All(near.Embeddings, type => Assert.Equal(ScalarType.Float32, type));
        Assert.Equal(exact.Names, near.Names);
        Assert.InRange(near.Loss / exact.Loss, 0.98, 1.02);
        // bfloat16 has 8 bits of fraction, 0.2 % a rounding. In the heads a few follow on each other. In the tower twenty do, and what they move
        // by 1 % puts a ReLU in a hundred on its other side: with those ReLUs single precision's own gradient is as far away, and PyTorch's
        // autocast is no nearer (docs/results.md, "bf16"). There the direction is what counts; AudioTowerTests looks at the rounding alone.
        var heads = exact.Names.Index().Where(name => !name.Item.StartsWith("DAVEnet.", StringComparison.Ordinal)).Select(name => name.Index).ToArray();
        Assert.InRange(Distance([.. heads.Select(i => exact.Values[i])], [.. heads.Select(i => near.Values[i])]), 1e-5, 0.05);
        Assert.InRange(Cosine(exact.Values, near.Values), 0.95, 0.999999);
    }

    [Fact]
    public void In_bf16_the_master_weights_and_moments_are_in_single_precision_and_training_lowers_the_loss()
    {
        var config = Config("bf16");
        using var team = RandomBatches.Team(config);
        var losses = Enumerable.Range(0, 30).Select(_ => team.Step(RandomBatches.Batch(config, 0), 3e-3, read: true).Loss!.Total).ToArray();
        Assert.All(team.Lead.Parameters, parameter => Assert.Equal(ScalarType.Float32, parameter.Value.dtype));
        Assert.All(team.Moments, moment => Assert.Equal(ScalarType.Float32, moment.First.dtype));
        Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]} to {losses[^1]}");

        var exact = RandomBatches.Team(Config("fp32"));
        using (exact)
        {
            var others = Enumerable.Range(0, 30).Select(_ => exact.Step(RandomBatches.Batch(config, 0), 3e-3, read: true).Loss!.Total).ToArray();
            Assert.InRange(losses[^1] / others[^1], 0.8, 1.25);
            Assert.NotEqual(others[0], losses[0]);
        }
    }

    [Fact]
    public void Tf32_changes_no_bit_on_the_CPU()
    {
        var (plain, tf32) = (RandomBatches.Train(Config("fp32"), steps: 3), RandomBatches.Train(Config("tf32"), steps: 3));
        Assert.Equal(plain.Losses, tf32.Losses);
        SmallRun.AssertSameTensors(plain.State, tf32.State);
        Assert.False(backends.cuda.matmul.allow_tf32 || backends.cudnn.allow_tf32); // as it is stored
    }

    [Theory]
    [InlineData("fp32", "cpu", "fp32", "fp32")]
    [InlineData("tf32", "cpu", "fp32", "fp32 (tf32 has no effect on cpu)")]
    [InlineData("tf32", "cuda:0", "tf32", "tf32")]
    [InlineData("bf16", "cpu", "bf16", "bf16")]
    public void What_is_active_is_told(string configured, string device, string active, string told)
    {
        var config = Config(configured) with { Devices = [device] };
        Assert.Equal(active, Precision.Active(config));
        Assert.Equal(told, Precision.Describe(config));
    }

    [Fact]
    public void A_run_tells_and_stores_its_precision_and_going_on_with_another_one_is_declared()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Precision = "bf16" };
        var (_, records) = run.Train(watch: (record, control) =>
        {
            if (record is StepMetrics { Step: 6 }) control.RequestStop("stop", save: false); // the checkpoint is of step 4, what came after it is known
        });
        Assert.Equal("bf16", records.OfType<RunStarted>().Single().Precision);
        var environment = JsonNode.Parse(File.ReadAllText(run.Folder.Environment))!;
        Assert.Equal("bf16", (string?)environment["precision"]);
        Assert.False((bool?)environment["tf32_convolutions"]);

        var other = run.Config with { Precision = "fp32" };
        using var session = TrainingSession.Open(other, run.Folder, TimeProvider.System);
        List<TelemetryRecord> later = [];
        session.Run(7, new RunControl(), later.Add);
        Assert.Contains("precision bf16 -> fp32", later.OfType<ResumeProven>().Single().Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_precision_is_refused_with_those_there_are()
    {
        var mistake = Assert.Single(RunConfigRules.Check(Config("fp16")));
        Assert.Equal("precision", mistake.Key);
        Assert.Contains("\"tf32\"", mistake.Expected, StringComparison.Ordinal);
    }

    static (string[] Names, float[][] Values, double Loss, ScalarType[] Embeddings) Gradients(string precision)
    {
        using var scope = NewDisposeScope();
        using var team = RandomBatches.Team(Config(precision));
        var rank = team.Lead;
        var clips = rank.ToDevice(HostClips.From(RandomBatches.Batch(team.Config, 0)));
        var embeddings = rank.Network.Encode(clips, reconstruct: true);
        var loss = new Mcn.Web.Trainer.Objective.McnObjective(team.Config, team.Clusters).Backward(embeddings, 0, 0).Total;
        return ([.. rank.Parameters.Select(parameter => parameter.Name)], [.. rank.Parameters.Select(parameter => parameter.Value.grad is { } grad ? grad.flatten().data<float>().ToArray() : [])],
            loss.item<float>(), [embeddings.Audio.dtype, embeddings.Video.dtype, embeddings.Text.dtype, embeddings.ReconstructionError!.dtype]);
    }

    /// <summary>Relative L2 over all parameters together.</summary>
    static double Distance(float[][] expected, float[][] actual)
    {
        var pairs = expected.Zip(actual).SelectMany(pair => pair.First.Zip(pair.Second)).ToArray();
        return Math.Sqrt(pairs.Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / pairs.Sum(pair => Math.Pow(pair.First, 2)));
    }

    static double Cosine(float[][] expected, float[][] actual)
    {
        double Dot(float[][] a, float[][] b) => a.Zip(b).Sum(pair => pair.First.Zip(pair.Second).Sum(values => (double)values.First * values.Second));
        return Dot(expected, actual) / Math.Sqrt(Dot(expected, expected) * Dot(actual, actual));
    }

    static RunConfig Config(string precision)
    {
        var config = RandomBatches.Config(group: 24) with { Precision = precision };
        return config with { Model = config.Model with { EmbdDim = 32, LayerWidths = [16, 16, 24, 32, 32] } };
    }
}
