using System.Text.Json;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Training steps against the original's: losses, clustering, gradients, parameters.</summary>
public sealed class GoldenTrainingTests
{
    [Theory]
    [InlineData("reduced", true)]
    [InlineData("reduced", false)]
    [InlineData("full", true)]
    [InlineData("full", false)]
    public void Training_steps_equal_the_original(string set, bool fusedAdam)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var run = golden.Description.GetProperty("train_const");
        var arrays = golden.Arrays("train_const_steps");
        var config = golden.Config();
        var network = golden.Network(config);
        network.train();
        var adam = AdamOf(network, config, fusedAdam);
        Assert.Equal(fusedAdam ? "fused" : "plain", adam.Kind);
        using var clusters = new OnlineClusters(config, CPU, DrawnIn(run));
        var objective = new McnObjective(config, clusters);
        var steps = run.GetProperty("steps").EnumerateArray().ToArray();
        Assert.True(steps.Length >= 3);
        foreach (var expected in steps)
        {
            var step = expected.GetProperty("step").GetInt32();
            using var stepScope = NewDisposeScope();
            var loss = objective.Backward(network.Encode(golden.Clips(step), reconstruct: true), epoch: 0, step);

            AssertLosses(expected, LossValues.From(loss), $"step {step}");
            GoldenSet.Near(clusters.Centroids!, arrays[$"step{step}_centroids"], 1e-5, $"centroids of step {step}");
            GoldenSet.Near(clusters.Queue!.Rows(), arrays[$"step{step}_queue_after"], 1e-5, $"queue after step {step}");
            if (File.Exists(golden.File($"train_const_grads_step_{step}.npz"))) AssertGradients(network, golden.Arrays($"train_const_grads_step_{step}"), step);
            adam.Step(expected.GetProperty("lr_used").GetDouble());
            if (File.Exists(golden.File($"train_const_params_after_{step + 1}.npz"))) AssertParameters(network, golden.Arrays($"train_const_params_after_{step + 1}"), step + 1);
            if (step == 0 && File.Exists(golden.File("train_const_adam_after_1.npz"))) AssertMoments(adam, golden.Arrays("train_const_adam_after_1"));
        }
    }

    [Theory]
    [InlineData("reduced", "flag_mean", "mean=true")]
    [InlineData("reduced", "flag_clulamb", "clu_lamb=3")]
    [InlineData("reduced", "flag_fastC0", "fastC=false")]
    [InlineData("reduced", "flag_no_audio", "no_audio=true")]
    [InlineData("reduced", "flag_no_video", "no_video=true")]
    [InlineData("full", "flag_mean", "mean=true")]
    [InlineData("full", "flag_clulamb", "clu_lamb=3")]
    [InlineData("full", "flag_fastC0", "fastC=false")]
    [InlineData("full", "flag_no_audio", "no_audio=true")]
    [InlineData("full", "flag_no_video", "no_video=true")]
    public void A_changed_flag_changes_the_losses_as_in_the_original(string set, string run, string flag)
    {
        using var scope = NewDisposeScope();
        var golden = GoldenSet.Open(set);
        var expected = golden.Description.GetProperty(run);
        var config = golden.Config(flag);
        var network = golden.Network(config);
        network.train();
        var adam = AdamOf(network, config, fused: true);
        using var clusters = new OnlineClusters(config, CPU, DrawnIn(expected));
        var objective = new McnObjective(config, clusters);
        foreach (var step in expected.GetProperty("steps").EnumerateArray())
        {
            using var stepScope = NewDisposeScope();
            var number = step.GetProperty("step").GetInt32();
            var loss = objective.Backward(network.Encode(golden.Clips(number), reconstruct: true), 0, number);
            AssertLosses(step, LossValues.From(loss), $"{run} step {number}");
            adam.Step(step.GetProperty("lr_used").GetDouble());
        }
    }

    [Theory]
    [MemberData(nameof(GoldenSet.Folders), MemberType = typeof(GoldenSet))]
    public void The_schedule_equals_the_original_at_every_listed_step(string set)
    {
        foreach (var table in GoldenSet.Open(set).Json("lr_schedule.json").EnumerateArray())
        {
            var (warmup, total) = (table.GetProperty("warmup").GetInt64(), table.GetProperty("total").GetInt64());
            foreach (var entry in table.GetProperty("factor_by_step").EnumerateObject())
            {
                var step = long.Parse(entry.Name, System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(entry.Value.GetDouble(), LearningRate.Factor(step, warmup, total, risesAgain: true), 1e-12);
                var over = step >= Math.Max(total, warmup + 1);
                Assert.Equal(over ? 0 : entry.Value.GetDouble(), LearningRate.Factor(step, warmup, total, risesAgain: false), 1e-12);
            }
        }
    }

    static Adam AdamOf(Trainer.Model.McnNetwork network, RunConfig config, bool fused) =>
        new(network.named_parameters().Where(p => p.parameter.requires_grad).Select(p => (p.name, (Tensor)p.parameter)), config.Optimizer, fused);

    /// <summary>The initial rows that the original drew in that step.</summary>
    static InitialRows DrawnIn(JsonElement run) => (rows, clusters, _, step) =>
    {
        var record = run.GetProperty("steps")[step];
        Assert.Equal(record.GetProperty("kmeans_input_rows").GetInt32(), rows);
        return [.. record.GetProperty("kmeans_init_indices").EnumerateArray().Select(index => index.GetInt64())];
    };

    static void AssertLosses(JsonElement expected, LossValues actual, string what)
    {
        Near(expected, "mms_text_video", actual.TextVideo, what);
        Near(expected, "mms_audio_text", actual.AudioText, what);
        Near(expected, "mms_audio_video", actual.AudioVideo, what);
        Near(expected, "cluster_loss_weighted", actual.Cluster, what);
        Near(expected, "recon_loss_x50", actual.Reconstruction, what);
        Near(expected, "loss_total", actual.Total, what);
    }

    static void Near(JsonElement record, string key, double? actual, string what)
    {
        // With one modality off the only term stands under mms_text_video, whatever the pair (golden README).
        var golden = record.GetProperty(key).ValueKind == JsonValueKind.Null ? (double?)null : record.GetProperty(key).GetDouble();
        if (key.StartsWith("mms_", StringComparison.Ordinal) && record.GetProperty("mms_audio_text").ValueKind == JsonValueKind.Null) return;
        Assert.True(golden.HasValue == actual.HasValue, $"{what} {key}: {actual} instead of {golden}");
        if (golden is { } value) Assert.True(Math.Abs(actual!.Value - value) <= 1e-5 * Math.Max(1, Math.Abs(value)), $"{what} {key}: {actual} instead of {value}");
    }

    static void AssertGradients(Trainer.Model.McnNetwork network, IReadOnlyDictionary<string, Tensor> golden, int step)
    {
        var ours = network.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!);
        Assert.Equal(golden.Keys.Order(), ours.Keys.Order());
        foreach (var (name, gradient) in golden) GoldenSet.Near(ours[name], gradient, 1e-4, $"gradient of {name} in step {step}");
    }

    static void AssertParameters(Trainer.Model.McnNetwork network, IReadOnlyDictionary<string, Tensor> golden, int step)
    {
        var ours = network.state_dict();
        foreach (var (name, value) in golden) GoldenSet.Near(ours[name], value, 1e-4, $"{name} after {step} steps");
    }

    static void AssertMoments(Adam adam, IReadOnlyDictionary<string, Tensor> golden)
    {
        foreach (var moment in adam.Moments)
        {
            GoldenSet.Near(moment.First, golden[$"m_{moment.Name}"], 1e-4, $"m of {moment.Name}");
            GoldenSet.Near(moment.Second, golden[$"v_{moment.Name}"], 2e-4, $"v of {moment.Name}");
        }
    }
}
