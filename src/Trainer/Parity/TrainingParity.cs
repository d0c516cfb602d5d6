using System.Text.Json;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>Training steps: losses, clustering, gradients, Adam's moments, parameters; with a constant rate, with the schedule, with flags.</summary>
static class TrainingParity
{
    static readonly string[] LossNames = ["mms_text_video", "mms_audio_text", "mms_audio_video", "cluster_loss_weighted", "recon_loss_x50", "loss_total"];

    /// <summary>The golden name of a run with one flag changed, and our key for it.</summary>
    static readonly (string Run, Func<JsonElement, string> Override)[] Flags =
    [
        ("flag_mean", flags => $"mean={On(flags, "mean")}"),
        ("flag_nce", _ => "mean=false"), // one form here, two in the original, equal in algebra
        ("flag_fastC0", flags => $"fastC={On(flags, "fastC")}"),
        ("flag_clulamb", flags => FormattableString.Invariant($"clu_lamb={flags.GetProperty("clu_lamb").GetDouble()}")),
        ("flag_no_audio", flags => $"no_audio={On(flags, "no_audio")}"),
        ("flag_no_video", flags => $"no_video={On(flags, "no_video")}"),
    ];

    /// <summary>
    /// In single precision, as training computes. A gradient jumps where the input of a ReLU is zero, and an input within rounding of zero
    /// may fall on either side, on one processor so and on another not; what fails is therefore computed once more in double precision,
    /// where rounding decides nothing, and judged there. A fault of the program fails in both.
    /// </summary>
    public static void Run(GoldenFolder golden, string run, ParityReport report)
    {
        if (!golden.Description.TryGetProperty(run, out _))
        {
            report.Skip(run, "not in description.json");
            return;
        }

        var single = Checks(golden, run, ScalarType.Float32);
        var exact = single.All(check => check.Passed) ? [] : Checks(golden, run, ScalarType.Float64).ToDictionary(check => check.Name, StringComparer.Ordinal);
        foreach (var check in single)
        {
            if (check.Passed || !exact.TryGetValue(check.Name, out var second)) report.Add(check);
            else report.Add(second with { Note = FormattableString.Invariant($"in double precision; in single {check.Error:0.0e+00}") });
        }
    }

    static List<ParityCheck> Checks(GoldenFolder golden, string run, ScalarType precision)
    {
        var checks = new List<ParityCheck>();
        Compare(golden, run, precision, new ParityReport(checks.Add, (_, _) => { }));
        return checks;
    }

    static void Compare(GoldenFolder golden, string run, ScalarType precision, ParityReport report)
    {
        var described = golden.Description.GetProperty(run);
        using var training = new Steps(golden, golden.Config(), described, precision);
        var arrays = golden.Has($"{run}_steps.npz") ? golden.Arrays($"{run}_steps.npz") : null;
        foreach (var expected in described.GetProperty("steps").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var step = expected.GetProperty("step").GetInt32();
            var name = $"{run}.step{step}";
            CompareRate(golden, described, expected, name, report);
            var (embeddings, loss) = training.Forward(step);
            CompareLosses(expected, loss, name, report);
            CompareClustering(expected, training.Clusters, name, report);
            if (arrays is not null) CompareArrays(arrays, $"step{step}", embeddings, training.Clusters, report, run);
            CompareIfThere(golden, $"{run}_grads_step_{step}.npz", grads => CompareGradients(grads, training.Network, report, $"{run}.grads_step_{step}"));
            training.Adam.Step(expected.GetProperty("lr_used").GetDouble());
            CompareIfThere(golden, $"{run}_params_after_{step + 1}.npz", parameters =>
            {
                var ours = training.Network.state_dict();
                foreach (var parameter in parameters.Names) report.Near($"{run}.params_after_{step + 1}.{parameter}", ours[parameter], parameters[parameter], ParityReport.ParameterLimit);
            });
            CompareIfThere(golden, $"{run}_adam_after_{step + 1}.npz", moments =>
            {
                foreach (var moment in training.Adam.Moments)
                {
                    report.Near($"{run}.adam_after_{step + 1}.m_{moment.Name}", moment.First, moments[$"m_{moment.Name}"], ParityReport.GradientLimit);
                    // The square of a gradient has twice its relative error.
                    report.Near($"{run}.adam_after_{step + 1}.v_{moment.Name}", moment.Second, moments[$"v_{moment.Name}"], 2 * ParityReport.GradientLimit);
                }
            });
        }
    }

    public static void RunFlags(GoldenFolder golden, ParityReport report)
    {
        foreach (var (run, change) in Flags)
        {
            if (!golden.Description.TryGetProperty(run, out var described))
            {
                report.Skip(run, "not in description.json");
                continue;
            }

            using var training = new Steps(golden, golden.Config(change(described.GetProperty("flags"))), described, ScalarType.Float32);
            foreach (var expected in described.GetProperty("steps").EnumerateArray())
            {
                using var scope = NewDisposeScope();
                var step = expected.GetProperty("step").GetInt32();
                var (_, loss) = training.Forward(step);
                CompareLosses(expected, loss, $"{run}.step{step}", report);
                training.Adam.Step(expected.GetProperty("lr_used").GetDouble());
            }
        }
    }

    public static void Schedule(GoldenFolder golden, ParityReport report)
    {
        foreach (var table in golden.Json("lr_schedule.json").EnumerateArray())
        {
            var (warmup, total) = (table.GetProperty("warmup").GetInt64(), table.GetProperty("total").GetInt64());
            var factors = table.GetProperty("factor_by_step").EnumerateObject().ToArray();
            var worst = factors.Max(entry =>
                Math.Abs(LearningRate.Factor(long.Parse(entry.Name, System.Globalization.CultureInfo.InvariantCulture), warmup, total, risesAgain: true) - entry.Value.GetDouble()));
            report.Add(new ParityCheck($"lr_schedule.warmup{warmup}.total{total}", worst, 1e-12));
        }
    }

    static void CompareRate(GoldenFolder golden, JsonElement run, JsonElement expected, string name, ParityReport report)
    {
        var schedule = run.GetProperty("schedule");
        var factor = schedule.ValueKind != JsonValueKind.Object
            ? 1
            : LearningRate.Factor(expected.GetProperty("step").GetInt32(), schedule.GetProperty("warmup_steps").GetInt64(), schedule.GetProperty("total_steps").GetInt64(), risesAgain: true);
        var rate = run.GetProperty("lr").GetDouble();
        report.Add(new ParityCheck($"{name}.lr_used", Math.Abs((rate * factor) - expected.GetProperty("lr_used").GetDouble()) / rate, 1e-12));
    }

    static void CompareLosses(JsonElement expected, LossValues actual, string name, ParityReport report)
    {
        // With a modality off there is one pair, and its term stands under mms_text_video whichever it is (golden README).
        var onePair = expected.GetProperty("mms_audio_text").ValueKind == JsonValueKind.Null;
        var pairs = new[] { actual.TextVideo, actual.AudioText, actual.AudioVideo };
        double?[] ours = onePair ? [pairs.Single(pair => pair is not null), null, null] : pairs;
        foreach (var (key, value) in LossNames.Zip([.. ours, actual.Cluster, actual.Reconstruction, actual.Total]))
        {
            var golden = expected.GetProperty(key);
            if (golden.ValueKind == JsonValueKind.Null && value is null) continue;
            if (golden.ValueKind == JsonValueKind.Null || value is null) report.Fail($"{name}.{key}", ParityReport.LossLimit, FormattableString.Invariant($"{(value is null ? "no term" : value.Value)} instead of {golden}"));
            else report.Value($"{name}.{key}", value.Value, golden.GetDouble(), ParityReport.LossLimit);
        }
    }

    static void CompareClustering(JsonElement expected, OnlineClusters clusters, string name, ParityReport report)
    {
        if (expected.GetProperty("kmeans_iters").ValueKind == JsonValueKind.Number)
            report.Same($"{name}.kmeans_iters", [clusters.LastFit!.Iterations], [expected.GetProperty("kmeans_iters").GetInt32()]);
    }

    static void CompareArrays(GoldenArrays arrays, string step, Embeddings embeddings, OnlineClusters clusters, ParityReport report, string run)
    {
        void Near(string name, Func<Tensor> actual)
        {
            if (arrays.Has($"{step}_{name}")) report.Near($"{run}.{step}_{name}", actual(), arrays[$"{step}_{name}"], ParityReport.OutputLimit);
        }

        var (audio, video, text) = (embeddings.Audio.detach(), embeddings.Video.detach(), embeddings.Text.detach());
        using var three = 3.ToScalar();
        var fused = video.Plus(audio).Plus(text) / three;
        Near("fused", () => fused);
        Near("out_audio", () => audio);
        Near("out_video", () => video);
        Near("out_text", () => text);
        Near("out_mse", () => embeddings.ReconstructionError!.detach());
        Near("centroids", () => clusters.Centroids!);
        Near("queue_after", () => clusters.Queue!.Rows());
        Near("sim_text_video", () => text.mm(video.t()));
        Near("sim_audio_text", () => audio.mm(text.t()));
        Near("sim_audio_video", () => audio.mm(video.t()));
        if (arrays.Has($"{step}_labels"))
        {
            // Where the iteration converged, which these small fits do, the labels fit the centroids they led to (spec Q15).
            var labels = SphericalKMeans.Assign(fused.to(clusters.Centroids!.dtype), clusters.Centroids!);
            report.Same($"{run}.{step}_labels", labels.data<long>().ToArray(), arrays[$"{step}_labels"].to(ScalarType.Int64).data<long>().ToArray());
        }
    }

    static void CompareGradients(GoldenArrays golden, McnNetwork network, ParityReport report, string name)
    {
        var ours = network.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!);
        report.Same($"{name}.names", ours.Keys.Order(StringComparer.Ordinal), golden.Names);
        foreach (var parameter in golden.Names.Where(ours.ContainsKey)) report.Near($"{name}.{parameter}", ours[parameter], golden[parameter], ParityReport.GradientLimit);
    }

    static void CompareIfThere(GoldenFolder golden, string file, Action<GoldenArrays> compare)
    {
        if (golden.Has(file)) compare(golden.Arrays(file));
    }

    static string On(JsonElement flags, string name) => flags.GetProperty(name).GetInt32() == 0 ? "false" : "true";

    /// <summary>The network, its optimizer and clustering, taken through the golden batches.</summary>
    sealed class Steps : IDisposable
    {
        readonly GoldenFolder golden;
        readonly McnObjective objective;
        readonly ScalarType precision;

        public Steps(GoldenFolder golden, RunConfig config, JsonElement run, ScalarType precision)
        {
            this.golden = golden;
            this.precision = precision;
            Network = golden.Network(config);
            if (precision != ScalarType.Float32) Network.to(precision);
            Adam = new Adam(Network.named_parameters().Where(p => p.parameter.requires_grad).Select(p => (p.name, (Tensor)p.parameter)), config.Optimizer,
                allowFused: precision == ScalarType.Float32);
            Clusters = new OnlineClusters(config, [CPU], (_, _, _, step) =>
                [.. run.GetProperty("steps")[step].GetProperty("kmeans_init_indices").EnumerateArray().Select(index => index.GetInt64())]);
            objective = new McnObjective(config, Clusters);
        }

        public McnNetwork Network { get; }

        public Adam Adam { get; }

        public OnlineClusters Clusters { get; }

        public (Embeddings Embeddings, LossValues Loss) Forward(int step)
        {
            var clips = golden.Clips(step);
            clips = clips with { Video = clips.Video.to(precision), Audio = clips.Audio.to(precision), Words = clips.Words.to(precision) };
            var embeddings = Network.Encode(clips, reconstruct: true);
            return (embeddings, ValuesOf(objective.Backward(embeddings, epoch: 0, step)));
        }

        static LossValues ValuesOf(LossBreakdown loss)
        {
            double?[] terms = [.. new[] { loss.TextVideo, loss.AudioText, loss.AudioVideo, loss.Cluster, loss.Reconstruction }
                .Select(term => term?.to(ScalarType.Float64).item<double>())];
            return new LossValues(terms.Sum(term => term ?? 0), terms[0], terms[1], terms[2], terms[3], terms[4]);
        }

        public void Dispose()
        {
            Adam.Dispose();
            Clusters.Dispose();
            Network.Dispose();
        }
    }
}
