using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench precision`: how far the gradient of one step in bf16 (on a GPU in TF32 too) is from the one in single precision, beside how far
/// that one moves by itself: when the spectrogram is off by as little as bf16 rounds a number, and from one batch to the next. A second table has every shift of the
/// audio tower's BatchNorm at 3: hardly a ReLU is near its edge then, and what is left is rounding.
/// </summary>
static class PrecisionBench
{
    const string Tower = "DAVEnet.";
    const float OpenShift = 3;

    static readonly string[] Layers = ["layer1", "layer2", "layer3", "layer4"];

    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("precision", arguments, new Dictionary<string, string?>
        {
            ["config"] = "deploy/config/digits-3m.json", ["weights"] = null, ["device"] = "cpu", ["threads"] = "1",
        });
        var config = RunConfigFile.Read(options.Text("config")!, [$"devices=[\"{options.Text("device")}\"]", $"cpu_threads={options.Whole("threads")}", "kmeans=false"]);
        if (RunConfigRules.CheckFiles(config) is { Count: > 0 } mistakes) throw new RunConfigException(mistakes);
        var weights = options.Text("weights") is { } path ? StoredWeights.Read(path).Weights : null;
        var data = TrainingData.Open(config);
        using var batches = data.CreatePrefetcher(0, 0);
        var (batch, next) = (batches.Next(CancellationToken.None), batches.Next(CancellationToken.None));
        var report = new BenchReport("precision");
        foreach (var open in new[] { false, true })
        {
            Gradient Of(string precision, Batch clips, bool moved = false) => GradientOf(config with { Precision = precision }, data.Vocabulary.Vectors, weights, clips, moved, open);
            var exact = Of("fp32", batch);
            void Row(string what, Gradient other) => report.Add(open ? "Every shift of the tower's BatchNorm at 3" : weights is null ? "Starting weights" : "Weights of the file", Cells(what, exact, other));
            Row("bf16", Of("bf16", batch));
            if (config.Devices[0] != "cpu") Row("tf32", Of("tf32", batch));
            Row("fp32, the spectrogram off by at most 0.2 %", Of("fp32", batch, moved: true));
            Row("fp32, the next batch", Of("fp32", next));
        }

        report.Note("Distances of the gradient in the audio tower's layers, from the last to the first, and in all other weights, relative to the one in single precision (L2); direction is the cosine over all. Without the cluster term.");
        report.Print(options.Json);
        return ExitCodes.Done;
    }

    static (string, System.Text.Json.Nodes.JsonNode?)[] Cells(string what, Gradient exact, Gradient other)
    {
        double Of(Func<string, bool> part) => Distance(exact, other, part);
        return
        [
            ("beside fp32", what), ("other weights", Of(name => !name.StartsWith(Tower, StringComparison.Ordinal))),
            .. Layers.Reverse().Select(layer => (layer, (System.Text.Json.Nodes.JsonNode?)Of(name => name.StartsWith(Tower + layer, StringComparison.Ordinal)))),
            ("first layer", Of(name => name.StartsWith(Tower, StringComparison.Ordinal) && !name.StartsWith(Tower + "layer", StringComparison.Ordinal))),
            ("direction", Cosine(exact, other)),
        ];
    }

    static Gradient GradientOf(RunConfig config, float[] words, NetworkWeights? weights, Batch batch, bool moved, bool open)
    {
        using var scope = NewDisposeScope();
        using var team = new ReplicaTeam(config, words, (_, clusters, _, _) => [.. Enumerable.Range(0, clusters).Select(row => (long)row)]);
        weights?.CopyInto(team.Lead.Network, config.Model);
        if (open) OpenTower(team.Lead);
        var clips = team.Lead.ToDevice(HostClips.From(batch));
        if (moved) clips = clips with { Audio = clips.Audio * Near1(clips.Audio.shape).to(clips.Audio.device) };
        new McnObjective(config, team.Clusters).Backward(team.Lead.Network.Encode(clips, reconstruct: true), 0, 0);
        return new([.. team.Lead.Parameters.Select(parameter => (parameter.Name, parameter.Value.grad is { } grad ? grad.cpu().flatten().data<float>().ToArray() : []))]);
    }

    /// <summary>Uniform in 1 ± 2^-9, as far as bf16 rounds.</summary>
    static Tensor Near1(long[] shape)
    {
        using var span = Math.Pow(2, -8).ToScalar();
        using var least = (1 - Math.Pow(2, -9)).ToScalar();
        return rand(shape, generator: new Generator(1)).mul_(span).add_(least, Scalars.One);
    }

    static void OpenTower(GpuRank rank)
    {
        using var noGrad = no_grad();
        using var open = OpenShift.ToScalar();
        foreach (var (_, shift) in rank.Parameters.Where(parameter => parameter.Name.StartsWith(Tower, StringComparison.Ordinal) && parameter.Name.EndsWith(".bias", StringComparison.Ordinal)))
            shift.fill_(open);
    }

    static double Distance(Gradient exact, Gradient other, Func<string, bool> part)
    {
        var (apart, norm) = (0.0, 0.0);
        foreach (var ((name, x), (_, y)) in exact.Parts.Zip(other.Parts))
        {
            if (!part(name)) continue;
            for (var i = 0; i < x.Length; i++) (apart, norm) = (apart + Math.Pow((double)x[i] - y[i], 2), norm + Math.Pow(x[i], 2));
        }

        return Math.Sqrt(apart / norm);
    }

    static double Cosine(Gradient exact, Gradient other)
    {
        var (product, left, right) = (0.0, 0.0, 0.0);
        foreach (var ((_, x), (_, y)) in exact.Parts.Zip(other.Parts))
            for (var i = 0; i < x.Length; i++) (product, left, right) = (product + ((double)x[i] * y[i]), left + Math.Pow(x[i], 2), right + Math.Pow(y[i], 2));
        return product / Math.Sqrt(left * right);
    }

    sealed record Gradient((string Name, float[] Values)[] Parts);
}
