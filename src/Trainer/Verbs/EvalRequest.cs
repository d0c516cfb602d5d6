using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Training;
using TorchSharp;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What `eval` was asked, and the settings that follow: the command line first, then the configuration, then the original's.</summary>
sealed record EvalRequest
{
    public const int UsualBatchSize = 64;

    const int UsualWords = 20;
    const int UsualMultiplier = 5;

    static readonly string[] UsualVectors = ["GoogleNews-vectors-negative300.bin", "word2vec.bin", "words.bin"];

    public EvalRequest(string checkpoint, string data, string? config)
    {
        if (!Path.Exists(checkpoint)) throw Nothing("--checkpoint", checkpoint, "a checkpoint");
        if (!Path.Exists(data)) throw Nothing("--data", data, "an evaluation set");
        Data = Path.TrimEndingDirectorySeparator(data);
        Weights = StoredWeights.Read(checkpoint);
        Config = (config ?? Weights.RunConfigFile) is { } file ? RunConfigFile.Read(file, []) : null;
    }

    public string Data { get; }

    public StoredWeights Weights { get; }

    public ModelConfig Sizes => Weights.Sizes;

    public RunConfig? Config { get; }

    public string? Word2vec { get; init; }

    public string? Kind { get; init; }

    /// <summary>Null: as the configuration says, else averaged.</summary>
    public bool? OriginalTies { get; init; }

    public int? FramesMultiplier { get; init; }

    public int? MaxWords { get; init; }

    public int BatchSize { get; init; } = UsualBatchSize;

    public torch.Device Device => Config is null ? torch.CPU : TorchDevices.Open(Config with { Devices = [Config.Devices[0]] })[0];

    /// <summary>Threads inside one tensor operation.</summary>
    public int Threads => Config?.OperationThreads ?? Environment.ProcessorCount;

    /// <param name="kind">Which set it is.</param>
    public EvaluationSettings SettingsFor(string kind)
    {
        var compatibility = Config?.Compatibility ?? RunConfigFile.DefaultCompatibility();
        var multiplier = FramesMultiplier ?? kind switch
        {
            PublishedFigures.YouCook2 => 5,
            PublishedFigures.MsrVtt or PublishedFigures.Lsmdc => 3,
            _ => Config?.Evaluation.NumFramesMultiplier ?? UsualMultiplier,
        };
        var evaluation = new EvaluationConfig
        {
            EvalFiles = [], EveryEpochs = 1, NumFramesMultiplier = multiplier, BatchSizeVal = BatchSize,
            BootstrapSamples = Config?.Evaluation.BootstrapSamples ?? 1000,
        };
        return new EvaluationSettings(Sizes, MaxWords ?? Config?.Data.MaxWords ?? UsualWords, evaluation,
            OriginalTies is { } original ? compatibility with { OptimisticTies = original } : compatibility, Config?.Seed ?? 1);
    }

    /// <summary>The word vectors' file; what was guessed is said.</summary>
    public string WordVectors()
    {
        if ((Word2vec ?? Config?.Data.Word2vecPath) is { } named) return File.Exists(named) ? named : throw Nothing("--word2vec", named, "word vectors");
        string[] folders = [Directory.Exists(Data) ? Data : FolderOf(Data), FolderOf(Data), FolderOf(Weights.Path)];
        var guess = folders.SelectMany(folder => UsualVectors.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
        if (guess is null)
            throw new UserError("--word2vec", "not given, no configuration beside the checkpoint, and no vectors beside the data", "word vectors (GoogleNews-vectors-negative300.bin)", "Name the file that the network was trained with", ExitCodes.Usage);
        Console.Error.WriteLine($"note: word vectors of {guess}");
        return guess;
    }

    static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    static UserError Nothing(string option, string path, string expected) =>
        new(option, $"nothing at {path}", expected, "Correct the path", ExitCodes.Usage);
}
