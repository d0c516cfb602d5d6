using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

/// <summary>Configurations and small data sets of these tests.</summary>
static class TestRun
{
    /// <summary>A configuration over a data folder laid out as the golden one; only the keys that Data reads matter.</summary>
    public static RunConfig Config(string root, string list, string features, string captions, string words) => new()
    {
        FormatVersion = 1,
        Name = "test",
        Seed = 1,
        Devices = ["cpu"],
        CpuThreads = 1,
        Precision = "fp32",
        Deterministic = true,
        Data = new DataConfig
        {
            Shards = "",
            TrainCsv = Path.Combine(root, list),
            FeaturesPath = Path.Combine(root, features),
            FeaturesPathAudio = Path.Combine(root, features),
            CaptionPath = Path.Combine(root, captions),
            Word2vecPath = Path.Combine(root, words),
            BatchSize = 4,
            NPair = 4,
            HowtoAudioFrames = 70,
            MinTime = 10,
            MaxWords = 10,
            FeatureFramerate = 1,
            NumThreadReader = 1,
            ReadAheadBytes = 1 << 26,
            ReadMode = "random",
            ShuffleWindowBytes = 8L << 30,
            Echo = 1,
            VerifyChecksums = true,
            BadRecordBudget = 0.001,
        },
        Model = new ModelConfig
        {
            EmbdDim = 64, FeatureDim = 96, WeDim = 20, MelBands = 40, LayerWidths = [6, 6, 8, 12, 16], Recon = true, ReconSize = 24,
        },
        Objective = new ObjectiveConfig
        {
            Margin = 0.001, WeightTextVideo = 1, WeightAudioText = 1, WeightAudioVideo = 1, NoAudio = false, NoVideo = false, Kmeans = true,
            ClusterSize = 8, UseQueue = true, QueueSize = 2, StartQueue = 0, FastC = true, Mean = false, CluLamb = 1, ReconWeight = 50,
        },
        Optimizer = new OptimizerConfig { Lr = 1e-3, Schedule = "cosine", WarmupSteps = 2, Epochs = 3, Beta1 = 0.9, Beta2 = 0.999, Eps = 1e-8 },
        Checkpoint = new CheckpointConfig
        {
            EveryEpochs = 1, EverySteps = 0, MaxLossSeconds = 120, MaxOverhead = 0.01, MemoryEverySeconds = 10, KeepLast = 1, KeepBest = 0, KeepEveryEpochs = 0,
            ReserveBytes = 1 << 24,
            MaxHoldSeconds = 7200,
        },
        Evaluation = new EvaluationConfig { EvalFiles = [], EveryEpochs = 1, NumFramesMultiplier = 1, BatchSizeVal = 10, BootstrapSamples = 10 },
        Telemetry = new TelemetryConfig { NDisplay = 1 },
        Compatibility = new CompatibilityConfig
        {
            NegativeFirstFrame = true, RedrawCentroidsEachEpoch = false, ZeroEmptyClusters = false, ScheduleRisesAgain = false,
            OptimisticTies = false, ClusterDivisorThree = false, PoolOverPadding = true, PaddingWordsTakePart = true, PadWithLoudest = true,
            TargetsCarryGradient = true, LabelsBeforeLastUpdate = true, NoneIsAWord = true,
        },
    };

    /// <summary>The golden HowTo100M-like set: four videos, of which the reduced set has the features of one.</summary>
    public static RunConfig Golden(string set) => Config(SharedFile.Golden(set, ""), "videopaths.csv", "howto", "caption.pickle", "word2vec.bin");

    /// <summary>digits-3m with the configuration of its baseline.</summary>
    public static RunConfig Digits()
    {
        var root = SharedFile.Path("data/digits-3m");
        var config = Config(root, "train/videos.csv", "train/parsed_videos", "train/caption.pickle", "train/words.bin");
        return config with
        {
            Data = config.Data with { BatchSize = 8, NPair = 8, HowtoAudioFrames = 384, MinTime = 1.5, MaxWords = 20 },
            Model = config.Model with { FeatureDim = 128, WeDim = 300 },
            Compatibility = config.Compatibility with { NegativeFirstFrame = false },
            Evaluation = config.Evaluation with { EvalFiles = [Path.Combine(root, "val.pkl")] },
            Optimizer = config.Optimizer with { Epochs = 60 },
        };
    }
}
