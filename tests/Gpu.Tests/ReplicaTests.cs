using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Data.Sample;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Gpu.Tests;

/// <summary>
/// The loop on one and two devices, with its exchange of gradients and its checkpoints. The CPU's rows show that the test itself is
/// right; those of CUDA are skipped, with the reason, where such devices are missing.
/// </summary>
public sealed class ReplicaTests : IDisposable
{
    const int LeaveAfter = 3;

    readonly TempFolder folder = new();

    /// <summary>
    /// On the CPU to the last bit. On CUDA a kernel of cuDNN may add up in another order each time: there the losses and the state are
    /// 1e-5 apart at most after 20 steps.
    /// </summary>
    [Theory]
    [InlineData("cpu", 2, 6)]
    [InlineData("cuda", 1, 20)]
    [InlineData("cuda", 2, 20)]
    public void A_run_left_and_gone_on_with_gives_what_one_device_gives_in_one_go(string kind, int count, int steps)
    {
        if (kind == "cuda")
        {
            Assert.SkipUnless(cuda.is_available(), "no CUDA device, or the CPU build of libtorch (-p:TorchBackend=cuda selects the other)");
            Assert.SkipUnless(cuda.device_count() >= count, $"{cuda.device_count()} CUDA devices; this needs {count}");
        }

        SampleDataset.Make(folder.File("sample"), 1, shuffled: false, TestContext.Current.CancellationToken);
        var whole = Train("whole", Devices(kind, 1), steps);
        var cut = Train("cut", Devices(kind, count), LeaveAfter, steps);

        var most = kind == "cpu" ? 0 : 1e-5;
        Assert.Equal(Enumerable.Range(1, steps).Select(step => (long)step), cut.Losses.Keys);
        foreach (var (step, loss) in whole.Losses) Assert.True(Math.Abs(cut.Losses[step] - loss) <= most * Math.Abs(loss), $"step {step}: {cut.Losses[step]:R}, not {loss:R}");
        Assert.Equal(whole.State.Keys.Order(), cut.State.Keys.Order());
        Assert.True(whole.State.Count > 100, "parameters, moments, queue and centroids");
        foreach (var (name, values) in whole.State) Assert.True(Distance(values, cut.State[name]) <= most, $"{name}: {Distance(values, cut.State[name])}");
    }

    static string[] Devices(string kind, int count) => [.. Enumerable.Range(0, count).Select(index => kind == "cpu" ? "cpu" : $"cuda:{index}")];

    /// <summary>Trains the sample set, leaving after each of the given numbers of steps.</summary>
    (SortedDictionary<long, double> Losses, Dictionary<string, float[]> State) Train(string name, string[] devices, params int[] leaveAfter)
    {
        string At(string path) => folder.File(Path.Combine("sample", path));
        var config = RunConfigFile.Read(Repository.File("deploy/config/sample.json"),
        [
            $"train_csv={At("train/videos.csv")}", $"features_path={At("train/parsed_videos")}", $"caption_path={At("train/caption.pickle")}",
            $"word2vec_path={At("train/words.bin")}", "eval_files=[]", "n_display=1", "batchnorm_group=32",
            $"devices=[{string.Join(',', devices.Select(device => $"\"{device}\""))}]",
        ]);
        var run = new RunCatalog(folder.File(name), TimeProvider.System).Create(config);
        SortedDictionary<long, double> losses = [];
        foreach (var steps in leaveAfter)
        {
            using var session = TrainingSession.Open(config, run, TimeProvider.System);
            session.Run(steps, new RunControl(), record =>
            {
                if (record is StepMetrics step) losses[step.Step] = step.Values[MetricCatalog.Loss];
            });
        }

        return (losses, StateOf(run));
    }

    static Dictionary<string, float[]> StateOf(RunFolder run)
    {
        var state = new Dictionary<string, float[]>();
        foreach (var path in Directory.GetFiles(Directory.GetDirectories(run.Checkpoints, "step-*").Order(StringComparer.Ordinal).Last(), "*.safetensors"))
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var name in file.Names.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
                state[$"{Path.GetFileName(path)}:{name}"] = MemoryMarshal.Cast<byte, float>(file.Read(name).Data.Span).ToArray();
        }

        return state;
    }

    /// <summary>Relative L2.</summary>
    static double Distance(float[] expected, float[] actual)
    {
        var (difference, norm) = (0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return difference == 0 ? 0 : Math.Sqrt(difference / norm);
    }

    public void Dispose() => folder.Dispose();
}
