using System.Text.Json;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>
/// The network at its published size with weights from a formula: outputs, losses without the cluster term, every parameter's gradient.
/// The only check at the sizes that people train: 224 M parameters, about 3 GB of memory.
/// </summary>
static class PublishedSizeParity
{
    const int EveryNthChannel = 32;
    const int Words = 20;
    const int SilentFrom = 5; // word rows of clip 0 from here on are zero
    const uint VideoSeed = 1001;
    const uint AudioSeed = 1002;
    const uint TextSeed = 1003;
    const double Margin = 0.001;
    const double ReconstructionWeight = 50;

    static readonly ModelConfig Sizes = new()
    {
        EmbdDim = 6144, FeatureDim = 4096, WeDim = 300, MelBands = 40, LayerWidths = [128, 128, 256, 512, 1024], Recon = true, ReconSize = 1024,
    };

    public static void Check(GoldenFolder golden, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var described = golden.Json("fullsize.json");
        var arrays = golden.Arrays("fullsize.npz");
        using var network = new McnNetwork(Sizes);
        Fill(network, described, report);
        var clips = Inputs(described, arrays, report);
        network.train();
        using var tower = new TowerOutput(network);
        Train(network, clips, described, arrays, report);
        var inTraining = tower.Channels();
        Gradients(network, described, report);
        foreach (var parameter in network.parameters()) parameter.grad = null;
        network.eval();
        using var noGrad = no_grad();
        Outputs("eval", network.Encode(clips, reconstruct: true), arrays, report);
        CompareTower(inTraining, tower.Channels(), arrays["train_davenet_out_every32"], report);
    }

    /// <summary>
    /// The array's name says training, but in the set we have it was written after the evaluation pass and is of that one. Whichever
    /// it is in a set, it must be one of the two.
    /// </summary>
    static void CompareTower(Tensor inTraining, Tensor inEvaluation, Tensor golden, ParityReport report)
    {
        var checks = new List<ParityCheck>();
        var both = new ParityReport(checks.Add, (_, _) => { });
        both.Near("fullsize.train_davenet_out_every32", inTraining, golden, ParityReport.OutputLimit);
        both.Near("fullsize.train_davenet_out_every32", inEvaluation, golden, ParityReport.OutputLimit);
        report.Add(checks[1].Passed ? checks[1] with { Note = "of the evaluation pass, whatever the name says" } : checks[0]);
    }

    static void Fill(McnNetwork network, JsonElement described, ParityReport report)
    {
        var parameters = network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        var offset = described.TryGetProperty("seed_offset", out var given) ? given.GetUInt32() : 0;
        var order = described.GetProperty("param_order").EnumerateArray().Select(name => name.GetString()!).ToArray();
        report.Same("fullsize.param_order", parameters.Keys.Order(StringComparer.Ordinal), order.Order(StringComparer.Ordinal));
        var first = described.GetProperty("first_param_values");
        for (var j = 0; j < order.Length; j++)
        {
            var name = order[j];
            var weight = name.EndsWith(".bias", StringComparison.Ordinal) ? name[..^"bias".Length] + "weight" : name;
            var inputs = parameters[weight].dim() == 2 ? parameters[weight].shape[1] : 0;
            FormulaWeights.Fill(parameters[name], name, (uint)(j + 1) + offset, inputs);
            using var scope = NewDisposeScope();
            float[] golden = [.. first.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];
            report.Near($"fullsize.first_param_values.{name}", parameters[name].detach().flatten().narrow(0, 0, golden.Length).data<float>().ToArray(), golden, 1e-6);
        }
    }

    static ClipTensors Inputs(JsonElement described, GoldenArrays arrays, ParityReport report)
    {
        var (n, frames) = (described.GetProperty("shapes").GetProperty("N").GetInt32(), described.GetProperty("shapes").GetProperty("T").GetInt32());
        var half = Sizes.FeatureDim / 2;
        var offset = SeedOffset(described, arrays);
        var video = new float[n * Sizes.FeatureDim];
        for (var start = 0; start < video.Length; start += half)
        {
            var norm = Math.Sqrt(Enumerable.Range(start, half).Sum(i => FormulaWeights.Uniform((uint)i, VideoSeed + offset) * FormulaWeights.Uniform((uint)i, VideoSeed + offset)));
            for (var i = start; i < start + half; i++) video[i] = (float)(Math.Abs(FormulaWeights.Uniform((uint)i, VideoSeed + offset)) / norm);
        }

        var audio = FormulaWeights.Values(n * Sizes.MelBands * frames, AudioSeed + offset, u => -40 + (60 * u));
        var counts = arrays.Host("nframes").As<int>().ToArray();
        for (var row = 0; row < n * Sizes.MelBands; row++) audio.AsSpan((row * frames) + counts[row / Sizes.MelBands], frames - counts[row / Sizes.MelBands]).Clear();
        var text = FormulaWeights.Values(n * Words * Sizes.WeDim, TextSeed + offset, u => 0.6 * u);
        text.AsSpan(SilentFrom * Sizes.WeDim, (Words - SilentFrom) * Sizes.WeDim).Clear();
        report.Near("fullsize.video_first", video.AsSpan(0, (int)arrays.Host("video_first").Count), arrays.Singles("video_first"), 1e-6);
        report.Near("fullsize.audio_first", audio.AsSpan(0, (int)arrays.Host("audio_first").Count), arrays.Singles("audio_first"), 1e-6);
        report.Near("fullsize.text_row0_first", text.AsSpan(0, (int)arrays.Host("text_row0_first").Count), arrays.Singles("text_row0_first"), 1e-6);
        return ClipTensors.Dense(
            tensor(video, [n, Sizes.FeatureDim]),
            tensor(audio, [n, Sizes.MelBands, frames]),
            tensor(counts, [n]).to(ScalarType.Int64),
            tensor(text, [n, Words, Sizes.WeDim]));
    }

    /// <summary>Whether the seed offset of the weights is the inputs' too: the folder's own first values say it.</summary>
    static uint SeedOffset(JsonElement described, GoldenArrays arrays)
    {
        var offset = described.TryGetProperty("seed_offset", out var given) ? given.GetUInt32() : 0;
        var first = arrays.Singles("text_row0_first")[0];
        return Math.Abs((0.6 * FormulaWeights.Uniform(0, TextSeed + offset)) - first) < 1e-6 ? offset : 0;
    }

    static void Train(McnNetwork network, ClipTensors clips, JsonElement described, GoldenArrays arrays, ParityReport report)
    {
        using var scope = NewDisposeScope();
        var outputs = network.Encode(clips, reconstruct: true);
        Outputs("train", outputs, arrays, report);
        var (audio, video, text) = (outputs.Audio.detach(), outputs.Video.detach(), outputs.Text.detach());
        var gradients = (Audio: zeros_like(audio), Video: zeros_like(video), Text: zeros_like(text));
        var mms = described.GetProperty("loss_mms");
        var total = Pair("text_video", text, video, gradients.Text, gradients.Video)
            + Pair("audio_text", audio, text, gradients.Audio, gradients.Text)
            + Pair("audio_video", audio, video, gradients.Audio, gradients.Video);
        using var weight = ReconstructionWeight.ToScalar();
        var reconstruction = outputs.ReconstructionError!.mean() * weight;
        var ours = reconstruction.item<float>();
        report.Value("fullsize.recon_x50", ours, described.GetProperty("recon_x50").GetDouble(), ParityReport.LossLimit);
        report.Value("fullsize.loss_no_cluster", total + ours, described.GetProperty("loss_no_cluster").GetDouble(), ParityReport.LossLimit);
        Tape.Backward([outputs.Audio, outputs.Video, outputs.Text, reconstruction], [gradients.Audio, gradients.Video, gradients.Text, ones_like(reconstruction)]);

        double Pair(string name, Tensor a, Tensor b, Tensor gradientA, Tensor gradientB)
        {
            var (loss, da, db) = MaskedMarginSoftmax.LossAndGradients(a, b, Margin);
            gradientA.add_(da, Scalars.One);
            gradientB.add_(db, Scalars.One);
            report.Near($"fullsize.sim_{name}", a.mm(b.t()), arrays[$"sim_{name}"], ParityReport.OutputLimit);
            report.Value($"fullsize.mms_{name}", loss.item<float>(), mms.GetProperty(name).GetDouble(), ParityReport.LossLimit);
            return loss.item<float>();
        }
    }

    static void Outputs(string mode, Embeddings outputs, GoldenArrays arrays, ParityReport report)
    {
        report.Near($"fullsize.{mode}_audio", outputs.Audio, arrays[$"{mode}_audio"], ParityReport.OutputLimit);
        report.Near($"fullsize.{mode}_video", outputs.Video, arrays[$"{mode}_video"], ParityReport.OutputLimit);
        report.Near($"fullsize.{mode}_text", outputs.Text, arrays[$"{mode}_text"], ParityReport.OutputLimit);
        report.Near($"fullsize.{mode}_mse", outputs.ReconstructionError!, arrays[$"{mode}_mse"], ParityReport.OutputLimit);
    }

    /// <summary>Of each gradient its norm, its sums, and the sampled entries; the sum cancels, so its error is measured by the sum of sizes.</summary>
    static void Gradients(McnNetwork network, JsonElement described, ParityReport report)
    {
        var parameters = network.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        foreach (var entry in described.GetProperty("grads").EnumerateObject())
        {
            using var scope = NewDisposeScope();
            var gradient = parameters[entry.Name].grad;
            var name = $"fullsize.grads.{entry.Name}";
            if (entry.Value.ValueKind == JsonValueKind.Null || gradient is null)
            {
                report.Same($"{name}.none", [gradient is null], [entry.Value.ValueKind == JsonValueKind.Null]);
                continue;
            }

            var flat = gradient.flatten().to(ScalarType.Float64);
            double Golden(string key) => entry.Value.GetProperty(key).GetDouble();
            report.Add(new ParityCheck($"{name}.l2", Math.Abs(flat.norm().item<double>() - Golden("l2")) / Golden("l2"), ParityReport.GradientLimit));
            report.Add(new ParityCheck($"{name}.abs_sum", Math.Abs(flat.abs().sum().item<double>() - Golden("abs_sum")) / Golden("abs_sum"), ParityReport.GradientLimit));
            report.Add(new ParityCheck($"{name}.sum", Math.Abs(flat.sum().item<double>() - Golden("sum")) / Golden("abs_sum"), ParityReport.GradientLimit));
            long[] places = [.. entry.Value.GetProperty("sample_idx").EnumerateArray().Select(place => place.GetInt64())];
            double[] sample = [.. entry.Value.GetProperty("sample").EnumerateArray().Select(value => value.GetDouble())];
            var ours = flat.index_select(0, tensor(places)).data<double>().ToArray();
            // Eight entries may all be small: the gradient's typical size is the least they are measured by.
            var typical = Golden("l2") / Math.Sqrt(flat.shape[0]) * Math.Sqrt(places.Length);
            var distance = Math.Sqrt(ours.Zip(sample).Sum(pair => (pair.First - pair.Second) * (pair.First - pair.Second)));
            report.Add(new ParityCheck($"{name}.sample", distance / Math.Max(typical, Math.Sqrt(sample.Sum(value => value * value))), ParityReport.GradientLimit));
        }
    }

    /// <summary>What the audio tower gave in the newest forward pass.</summary>
    sealed class TowerOutput : IDisposable
    {
        Tensor? newest;

        public TowerOutput(McnNetwork network)
        {
            var tower = (nn.Module<Tensor, Tensor>)network.named_modules().First(pair => pair.name == "DAVEnet").module;
            tower.register_forward_hook((_, _, output) =>
            {
                newest?.Dispose();
                newest = output.detach().clone().DetachFromDisposeScope();
                return output;
            });
        }

        /// <summary>(N, every 32nd channel, T').</summary>
        public Tensor Channels()
        {
            long[] channels = [.. Enumerable.Range(0, Sizes.LayerWidths[^1] / EveryNthChannel).Select(i => (long)i * EveryNthChannel)];
            return newest!.index_select(1, tensor(channels));
        }

        public void Dispose() => newest?.Dispose();
    }
}
