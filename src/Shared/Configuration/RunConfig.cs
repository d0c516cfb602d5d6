using System.Text.Json.Serialization;

namespace Mcn.Web.Shared.Configuration;

/// <summary>
/// Everything that decides a run: immutable, in JSON (comments allowed, unknown keys refused). Keys are the original
/// program's flag names in snake_case. Read, defaulted and checked by RunConfigFile; type, range, default and unit of
/// every key are declared in RunConfigKeys, in the order of the properties here. Paths are absolute once read.
/// </summary>
public sealed record RunConfig
{
    /// <summary>Version of the layout, <see cref="ProtocolVersion.Config"/>; a newer one is refused.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>What people call the run; part of its identity, not of the numbers.</summary>
    public required string Name { get; init; }

    /// <summary>Seed of initialisation, video order, clip choice and k-means draws.</summary>
    public required long Seed { get; init; }

    /// <summary>Devices of the replicas, one each: `cuda:0`, `cuda:1`, …, or `cpu` so many times.</summary>
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary>Threads inside one tensor operation on the CPU; 0 = every core.</summary>
    public required int CpuThreads { get; init; }

    /// <summary>Arithmetic of the network: `fp32`, `tf32` or `bf16`.</summary>
    public required string Precision { get; init; }

    /// <summary>Whether a GPU's kernels give the same bits each time; the CPU's always do.</summary>
    public required bool Deterministic { get; init; }

    public required DataConfig Data { get; init; }

    public required ModelConfig Model { get; init; }

    public required ObjectiveConfig Objective { get; init; }

    public required OptimizerConfig Optimizer { get; init; }

    public required CheckpointConfig Checkpoint { get; init; }

    public required EvaluationConfig Evaluation { get; init; }

    public required TelemetryConfig Telemetry { get; init; }

    public required CompatibilityConfig Compatibility { get; init; }

    /// <summary>Threads inside one tensor operation: <see cref="CpuThreads"/>, or every core.</summary>
    [JsonIgnore]
    public int OperationThreads => CpuThreads > 0 ? CpuThreads : Environment.ProcessorCount;

    /// <summary>N: clips in one optimisation step = batch_size videos x n_pair clips.</summary>
    [JsonIgnore]
    public int ClipsPerStep => Data.BatchSize * Data.NPair;

    /// <summary>BatchNorm groups of one step, all of the same size; a step with fewer clips than a group is one group.</summary>
    [JsonIgnore]
    public int BatchnormGroups => Math.Max(1, ClipsPerStep / Model.BatchnormGroup);
}

/// <summary>Sizes of the network (mcn-spec §4). The defaults give 223,776,770 parameters.</summary>
public sealed record ModelConfig
{
    /// <summary>D: width of the joint space.</summary>
    public required int EmbdDim { get; init; }

    /// <summary>V: width of the video input, 2d and 3d together.</summary>
    public required int FeatureDim { get; init; }

    /// <summary>Width of a word vector.</summary>
    public required int WeDim { get; init; }

    /// <summary>Mel bands of the spectrogram.</summary>
    public required int MelBands { get; init; }

    /// <summary>DAVEnet's five widths; the last one is the audio width A.</summary>
    public required IReadOnlyList<int> LayerWidths { get; init; }

    /// <summary>Whether the reconstruction heads exist.</summary>
    public required bool Recon { get; init; }

    /// <summary>R: hidden width of the reconstruction heads.</summary>
    public required int ReconSize { get; init; }

    /// <summary>Clips that batch normalisation takes together in training; decides the numbers, whatever the devices.</summary>
    public int BatchnormGroup { get; init; } = 1024;

    /// <summary>Weights that a new run starts from; empty: random ones.</summary>
    public string PretrainPath { get; init; } = "";

    /// <summary>Whether entries of <see cref="PretrainPath"/> that do not fit are left out and told, instead of refused.</summary>
    public bool PretrainPartial { get; init; }
}

/// <summary>The loss (mcn-spec §5, §6).</summary>
public sealed record ObjectiveConfig
{
    /// <summary>Subtracted from the matching similarities.</summary>
    public required double Margin { get; init; }

    /// <summary>Weight of the text-video term.</summary>
    public required double WeightTextVideo { get; init; }

    /// <summary>Weight of the audio-text term.</summary>
    public required double WeightAudioText { get; init; }

    /// <summary>Weight of the audio-video term.</summary>
    public required double WeightAudioVideo { get; init; }

    /// <summary>Leave the audio out of the contrastive and cluster terms.</summary>
    public required bool NoAudio { get; init; }

    /// <summary>Leave the video out of the contrastive and cluster terms.</summary>
    public required bool NoVideo { get; init; }

    /// <summary>Add the cluster loss.</summary>
    public required bool Kmeans { get; init; }

    /// <summary>K: number of clusters.</summary>
    public required int ClusterSize { get; init; }

    /// <summary>Cluster the fused embeddings of earlier steps too.</summary>
    public required bool UseQueue { get; init; }

    /// <summary>Length of the queue in steps, and interval of the refits in steps.</summary>
    public required int QueueSize { get; init; }

    /// <summary>First epoch (from 0) in which the queue is filled.</summary>
    public required int StartQueue { get; init; }

    /// <summary>Refit every queue_size steps (true) or anew in each step (false).</summary>
    [JsonPropertyName("fastC")]
    public required bool FastC { get; init; }

    /// <summary>Cluster loss on the mean of the embeddings instead of on each.</summary>
    public required bool Mean { get; init; }

    /// <summary>Weight of the cluster loss.</summary>
    public required double CluLamb { get; init; }

    /// <summary>Weight of the reconstruction loss (50 in the original).</summary>
    public required double ReconWeight { get; init; }
}

/// <summary>Adam and its schedule (mcn-spec §7).</summary>
public sealed record OptimizerConfig
{
    /// <summary>Peak learning rate.</summary>
    public required double Lr { get; init; }

    /// <summary>`cosine` (warm-up, then cosine to zero) or `constant`.</summary>
    public required string Schedule { get; init; }

    /// <summary>Steps of linear warm-up.</summary>
    public required int WarmupSteps { get; init; }

    /// <summary>Passes over the video list.</summary>
    public required int Epochs { get; init; }

    /// <summary>Decay of the first moment, each step; in [0, 1).</summary>
    public required double Beta1 { get; init; }

    /// <summary>Decay of the second moment, each step; in [0, 1).</summary>
    public required double Beta2 { get; init; }

    /// <summary>Added to the root of the second moment; above 0.</summary>
    public required double Eps { get; init; }

    /// <summary>Clips whose graph one device may hold at a time; 0: one BatchNorm group. Decides memory and time, not the numbers.</summary>
    public int MicroBatch { get; init; }
}

/// <summary>When checkpoints are written and how many stay.</summary>
public sealed record CheckpointConfig
{
    /// <summary>Epochs between checkpoints (the last epoch and a signal always write one).</summary>
    public required int EveryEpochs { get; init; }

    /// <summary>Steps between checkpoints; 0: by time only.</summary>
    public required int EverySteps { get; init; }

    /// <summary>The most work, in seconds, that the death of the trainer may cost; a slow disk alone cannot always keep it.</summary>
    public required double MaxLossSeconds { get; init; }

    /// <summary>The most of the training time that standing still for snapshots may take, fraction.</summary>
    public required double MaxOverhead { get; init; }

    /// <summary>Seconds between snapshots in memory, at least; 0: none.</summary>
    public required double MemoryEverySeconds { get; init; }

    /// <summary>Newest checkpoints that stay.</summary>
    public required int KeepLast { get; init; }

    /// <summary>Checkpoints with the best evaluation that stay.</summary>
    public required int KeepBest { get; init; }

    /// <summary>Each so-many-th epoch's checkpoint stays; 0: none.</summary>
    public required int KeepEveryEpochs { get; init; }

    /// <summary>Free space that a checkpoint must leave on its disk, bytes.</summary>
    public required long ReserveBytes { get; init; }

    /// <summary>A hold that lasts longer, in seconds, becomes save and release; 0: never.</summary>
    public required double MaxHoldSeconds { get; init; }
}

/// <summary>Retrieval during training (mcn-spec §9).</summary>
public sealed record EvaluationConfig
{
    /// <summary>Evaluation sets in the original's pickled layout.</summary>
    public required IReadOnlyList<string> EvalFiles { get; init; }

    /// <summary>Epochs between evaluations (the last epoch is always evaluated).</summary>
    public required int EveryEpochs { get; init; }

    /// <summary>Audio length = 1024 frames x this (the original: 5 for YouCook2, 3 for MSR-VTT and LSMDC).</summary>
    public required int NumFramesMultiplier { get; init; }

    /// <summary>Clips in one forward pass; the result does not depend on it.</summary>
    public required int BatchSizeVal { get; init; }

    /// <summary>Resamples of the queries behind the 95 % intervals.</summary>
    public required int BootstrapSamples { get; init; }
}

/// <summary>What is reported, and how often.</summary>
public sealed record TelemetryConfig
{
    /// <summary>Steps between two reported steps.</summary>
    public required int NDisplay { get; init; }
}

/// <summary>
/// Faults of the original that change results (mcn-spec §10). `"compatibility": "original"` turns all on; the default is what
/// §10 recommends. Each switch is named for what happens when it is on.
/// </summary>
public sealed record CompatibilityConfig
{
    /// <summary>Q2: a clip that starts before 0.0125 s gets frame -2 or -1, which empties its audio.</summary>
    public required bool NegativeFirstFrame { get; init; }

    /// <summary>Q14: k-means draws new centroids at every epoch start.</summary>
    public required bool RedrawCentroidsEachEpoch { get; init; }

    /// <summary>
    /// Q14: k-means runs until its centroids rest, and that of an empty cluster becomes the zero vector (off: an empty or tiny cluster takes
    /// half of the largest one, and a fit ends when fewer than 0.1 % of the rows change).
    /// </summary>
    public required bool ZeroEmptyClusters { get; init; }

    /// <summary>Q16: after the last planned step the cosine rises again.</summary>
    public required bool ScheduleRisesAgain { get; init; }

    /// <summary>
    /// Q18: a tie counts as every position it spans, each as a match; clips without audio and scores that are no number do not enter the
    /// median.
    /// </summary>
    public required bool OptimisticTies { get; init; }

    /// <summary>Q27: the cluster terms are divided by 3 with two modalities too.</summary>
    public required bool ClusterDivisorThree { get; init; }

    /// <summary>Q9: in training the audio is averaged over its padding too (off: over the valid frames, as in evaluation).</summary>
    public required bool PoolOverPadding { get; init; }

    /// <summary>Q10: padding words take part in the maximum over the words of a clip (off: only clips without a word have them).</summary>
    public required bool PaddingWordsTakePart { get; init; }

    /// <summary>Q12: audio is padded with 0 dB, the loudest value (off: with -80 dB, the floor of the spectrograms).</summary>
    public required bool PadWithLoudest { get; init; }

    /// <summary>Q13: the reconstruction's targets of audio and text carry gradient (off: they are constants).</summary>
    public required bool TargetsCarryGradient { get; init; }

    /// <summary>Q15: after a fit the labels are those before the last update of the centroids (off: they are assigned anew).</summary>
    public required bool LabelsBeforeLastUpdate { get; init; }

    /// <summary>Q21: captions that are None or NaN become the words None and nan (off: they have no words).</summary>
    public required bool NoneIsAWord { get; init; }
}
