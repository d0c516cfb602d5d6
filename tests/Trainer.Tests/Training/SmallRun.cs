using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;
using Mcn.Web.Trainer.Tests.Data;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>A run of seconds: a tiny network on a tiny data set, with queue and k-means in use and an evaluation set.</summary>
sealed class SmallRun : IDisposable
{
    readonly SmallSet set = new(videos: 9);
    readonly TempFolder data = new();

    public SmallRun()
    {
        PickleWriter.Write(set.PathOf("eval.pkl"), Enumerable.Range(0, 4).Select(object? (i) => RetrievalSetTests.Item($"word{i} and", 5, 4, 3)).ToList());
        var config = set.Config;
        Config = config with
        {
            Data = config.Data with { BatchSize = 2, NPair = 4, NumThreadReader = 2 },
            Model = config.Model with { EmbdDim = 12, LayerWidths = [3, 3, 4, 4, 6], ReconSize = 5 },
            Objective = config.Objective with { QueueSize = 2, ClusterSize = 3 },
            Optimizer = config.Optimizer with { Epochs = 3, WarmupSteps = 2, Lr = 1e-3 },
            Checkpoint = config.Checkpoint with { KeepLast = 3 },
            Evaluation = config.Evaluation with { EvalFiles = [set.PathOf("eval.pkl")], BatchSizeVal = 3 },
        };
    }

    /// <summary>4 steps an epoch, 12 in all.</summary>
    public RunConfig Config { get; set; }

    public SmallSet Set => set;

    public string DataFolder => data.Path;

    public RunFolder Folder { get; private set; } = null!;

    /// <summary>So many epochs of 4 steps, evaluated at the end only, a checkpoint every so many steps.</summary>
    public SmallRun Longer(int epochs, int everySteps)
    {
        Config = Config with
        {
            Optimizer = Config.Optimizer with { Epochs = epochs },
            Evaluation = Config.Evaluation with { EveryEpochs = epochs },
            Checkpoint = Config.Checkpoint with { EveryEpochs = epochs, EverySteps = everySteps, KeepLast = 2, MemoryEverySeconds = 0.01, MaxOverhead = 1 },
        };
        return this;
    }

    /// <summary>The run's folder, made without training.</summary>
    public RunFolder Create()
    {
        var catalog = new RunCatalog(DataFolder, TimeProvider.System);
        return Folder = catalog.FindNewest(Config) ?? catalog.Create(Config);
    }

    /// <summary>Trains as `train` does: the newest unfinished run of the configuration goes on, else a new one begins.</summary>
    /// <param name="watch">Sees each record and may ask the run to stop.</param>
    public (string Reason, List<TelemetryRecord> Records) Train(long? steps = null, Action<TelemetryRecord, RunControl>? watch = null)
    {
        Create();
        var records = new List<TelemetryRecord>();
        var control = new RunControl();
        using var session = TrainingSession.Open(Config, Folder, TimeProvider.System);
        var reason = session.Run(steps, control, record =>
        {
            records.Add(record);
            watch?.Invoke(record, control);
        });
        return (reason, records);
    }

    /// <summary>Samples of each step that the recorder of the last process still holds, by steps done before.</summary>
    public SortedDictionary<long, string> Samples() => new(RecorderReader.Read(Folder.Recorder)!.Lanes[0].Marks.Where(mark => mark.Samples.Count > 0)
        .GroupBy(mark => mark.Step).ToDictionary(step => step.Key, step => string.Join(' ', step.Last().Samples)));

    /// <summary>All records of all processes so far.</summary>
    public List<TelemetryRecord> Journal() =>
        [.. Directory.GetFiles(Folder.Journal, "worker-*.journal").Order(StringComparer.Ordinal).SelectMany(JournalReader.Read)];

    /// <summary>The loss of every step as it was trained last, all bits.</summary>
    public SortedDictionary<long, double> Losses()
    {
        SortedDictionary<long, double> losses = [];
        foreach (var step in Journal().OfType<StepMetrics>()) losses[step.Step] = step.Values[MetricCatalog.Loss];
        return losses;
    }

    /// <summary>Every tensor of the newest checkpoint, by file and name, as raw bytes.</summary>
    public Dictionary<string, byte[]> NewestTensors()
    {
        var newest = Directory.GetDirectories(Folder.Checkpoints, "step-*").Order(StringComparer.Ordinal).Last();
        var tensors = new Dictionary<string, byte[]>();
        foreach (var path in Directory.GetFiles(newest, "*.safetensors"))
        {
            using var file = SafetensorsFile.Open(path);
            foreach (var name in file.Names) tensors[$"{Path.GetFileName(path)}:{name}"] = file.Read(name).Data.ToArray();
        }

        return tensors;
    }

    /// <summary>Weights, moments, queue and centroids of both, byte by byte.</summary>
    public static void AssertSameTensors(Dictionary<string, byte[]> expected, Dictionary<string, byte[]> actual)
    {
        Assert.True(expected.Count > 100, "parameters, moments, queue and centroids");
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, bytes) in expected) Assert.True(bytes.AsSpan().SequenceEqual(actual[name]), $"{name} differs");
    }

    public void Dispose()
    {
        set.Dispose();
        data.Dispose();
    }
}
