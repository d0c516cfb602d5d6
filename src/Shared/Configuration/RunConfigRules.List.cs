using System.Globalization;

namespace Mcn.Web.Shared.Configuration;

public static partial class RunConfigRules
{
    /// <summary>A rule between keys.</summary>
    /// <param name="Statement">What must hold, for docs/configuration.md.</param>
    /// <param name="Keys">The keys it looks at, the one to blame first. It is not asked while one of them is wrong by itself.</param>
    /// <param name="Judge">What was found, expected and recommended; null when the rule holds.</param>
    internal sealed record Rule(string Statement, string[] Keys, Func<RunConfig, (string Found, string Expected, string Remedy)?> Judge);

    internal static IReadOnlyList<Rule> Rules { get; } =
    [
        new("The devices are GPUs, each once, or \"cpu\" only.", ["devices"],
            config => config.Devices.Distinct().Count() is var kinds && (kinds == config.Devices.Count || (kinds == 1 && config.Devices[0] == "cpu"))
                && (kinds == 1 || !config.Devices.Contains("cpu")) ? null : (
                    $"{string.Join(", ", config.Devices)}", "GPUs, each once, or \"cpu\" only", "Name each GPU once; a slow device would hold the others up")),

        new("A step has at least one BatchNorm group for each device.", ["devices", "model.batchnorm_group", "data.batch_size", "data.n_pair"],
            config => config.Devices.Count <= config.BatchnormGroups ? null : (
                $"{Number(config.Devices.Count)} devices for {Number(config.BatchnormGroups)} BatchNorm groups ({Number(config.ClipsPerStep)} clips a step, batchnorm_group {Number(config.Model.BatchnormGroup)})",
                "at most as many devices as groups",
                "Name fewer devices, raise batch_size, or lower batchnorm_group: that changes the numbers")),

        new("Training data come from one source: data.shards, or train_csv, features_path and caption_path.",
            ["data.shards", "data.train_csv", "data.features_path", "data.features_path_audio", "data.caption_path"],
            config => SecondSource(config.Data) is not { Length: > 0 } named ? null : (
                $"the shards {config.Data.Shards} beside {string.Join(", ", named)}", "one source", "Keep data.shards, or the other keys")),

        new("data.read_mode sequential and data.echo above 1 need packed shards, read whole: only there a video that was read stays in memory.",
            ["data.read_mode", "data.echo", "data.shards"],
            config => Reading(config.Data)),

        new("A step of more clips than batchnorm_group is a whole number of such groups.", ["model.batchnorm_group", "data.batch_size", "data.n_pair"],
            config => config.ClipsPerStep <= config.Model.BatchnormGroup || config.ClipsPerStep % config.Model.BatchnormGroup == 0 ? null : (
                $"groups of {Number(config.Model.BatchnormGroup)} for {Number(config.ClipsPerStep)} clips a step",
                "a divisor of batch_size x n_pair, or at least all of it",
                $"Set batchnorm_group to {Number(LargestDivisor(config.ClipsPerStep, config.Model.BatchnormGroup))}")),

        new("micro_batch is 0 or a whole number of BatchNorm groups: half a group would have other statistics.",
            ["optimizer.micro_batch", "model.batchnorm_group", "data.batch_size", "data.n_pair"],
            config => config.Optimizer.MicroBatch % Math.Min(config.Model.BatchnormGroup, config.ClipsPerStep) == 0 ? null : (
                $"{Number(config.Optimizer.MicroBatch)} clips with BatchNorm groups of {Number(Math.Min(config.Model.BatchnormGroup, config.ClipsPerStep))}",
                "0 or a multiple of the group", "Set micro_batch to 0, or lower batchnorm_group: that needs less memory, but changes the numbers")),

        new("A step has at least 2 clips (batch_size x n_pair): one clip has nothing to be told apart from.",
            ["data.batch_size", "data.n_pair"],
            config => config.ClipsPerStep >= 2 ? null : (
                "batch_size 1 x n_pair 1 = 1 clip a step", "at least 2 clips", "Raise batch_size or n_pair")),

        new("no_audio and no_video are not both on: a pair of modalities must remain.", ["objective.no_audio", "objective.no_video"],
            config => config.Objective is not { NoAudio: true, NoVideo: true } ? null : (
                "both no_audio and no_video", "at most one of them", "Switch one off: only the text would be left")),

        new("The weights of the pairs that remain are not all zero.",
            [
                "objective.weight_text_video", "objective.weight_audio_text", "objective.weight_audio_video",
                "objective.no_audio", "objective.no_video",
            ],
            config => RemainingWeights(config.Objective) is not { Length: > 0 } left || left.Any(pair => pair.Weight > 0) ? null : (
                $"weight 0 for every pair that is trained ({string.Join(", ", left.Select(pair => pair.Name))})",
                "at least one weight above 0", "Raise one of them")),

        new("With kmeans, a step has at least cluster_size clips: the first centroids are drawn from them.",
            ["objective.cluster_size", "objective.kmeans", "data.batch_size", "data.n_pair"],
            config => !config.Objective.Kmeans || config.ClipsPerStep >= config.Objective.ClusterSize ? null : (
                $"{Number(config.Objective.ClusterSize)} clusters for {Number(config.Data.BatchSize)} x {Number(config.Data.NPair)} "
                    + $"= {Number(config.ClipsPerStep)} clips a step",
                "at most as many clusters as clips",
                $"Set cluster_size to {Number(config.ClipsPerStep)} or less, or raise batch_size or n_pair")),

        new("With kmeans and use_queue, n_pair is at least 2: the queue keeps floor(n_pair / 2) clips of each video.",
            ["data.n_pair", "objective.use_queue", "objective.kmeans"],
            config => config.Objective is not { Kmeans: true, UseQueue: true } || config.Data.NPair >= 2 ? null : (
                $"{Number(config.Data.NPair)} with use_queue", "at least 2",
                "Raise n_pair, or switch use_queue off: the queue keeps floor(n_pair / 2) clips of each video and would stay empty")),

        new("No evaluation set is named twice.", ["evaluation.eval_files"],
            config => config.Evaluation.EvalFiles.GroupBy(path => path, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1)
                is not { } twice ? null : ($"{twice.Key} twice", "each set once", "Remove one of the two")),
    ];

    internal static IEnumerable<(string[] Keys, ConfigMistake Mistake)> Broken(RunConfig config)
    {
        foreach (var rule in Rules)
        {
            if (rule.Judge(config) is not var (found, expected, remedy)) continue;
            yield return (rule.Keys,
                new ConfigMistake { Source = "", Key = rule.Keys[0], Found = found, Expected = expected, Remedy = remedy });
        }
    }

    static (string Found, string Expected, string Remedy)? Reading(DataConfig data)
    {
        if (data.ReadMode == "sequential" && data.Shards.Length == 0)
            return ("read_mode sequential with the original's layout", "data.shards", "Pack the data (`./mcn data pack`) and set data.shards, or leave read_mode out");
        return data.Echo == 1 || data.ReadMode == "sequential" ? null
            : ($"echo {Number(data.Echo)} with read_mode {data.ReadMode}", "echo 1, or read_mode sequential", "Set echo to 1, or read packed shards with read_mode sequential");
    }

    static string[] SecondSource(DataConfig data) => data.Shards.Length == 0 ? [] :
    [
        .. new[] { ("train_csv", data.TrainCsv), ("features_path", data.FeaturesPath), ("features_path_audio", data.FeaturesPathAudio), ("caption_path", data.CaptionPath) }
            .Where(key => key.Item2.Length > 0).Select(key => key.Item1),
    ];

    static (string Name, double Weight)[] RemainingWeights(ObjectiveConfig objective)
    {
        (string Name, double Weight, bool IsTrained)[] pairs =
        [
            ("weight_text_video", objective.WeightTextVideo, !objective.NoVideo),
            ("weight_audio_text", objective.WeightAudioText, !objective.NoAudio),
            ("weight_audio_video", objective.WeightAudioVideo, !objective.NoAudio && !objective.NoVideo),
        ];
        // With neither audio nor video another rule speaks.
        return [.. pairs.Where(pair => pair.IsTrained).Select(pair => (pair.Name, pair.Weight))];
    }

    /// <summary>Largest divisor of the clips that is no larger than the group and leaves groups of at least 2; else all the clips.</summary>
    static int LargestDivisor(int clips, int group)
    {
        for (; group >= 2; group--)
            if (clips % group == 0) return group;
        return clips;
    }

    static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
