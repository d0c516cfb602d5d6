using System.Text.Json;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Parity;

/// <summary>All groups of checks, in order, each with the files that it needs. A group whose files the folder lacks is skipped and said so.</summary>
public static class ParityRun
{
    static readonly Group[] Groups =
    [
        new("forward_train", ["init_params.npz", "batches.npz", "forward_train.npz"], ForwardParity.Training),
        new("forward_eval", ["init_params.npz", "batches.npz", "forward_eval.npz"], ForwardParity.Evaluation),
        new("losses.mms", ["losses.npz", "losses.json"], LossParity.MaskedMargin),
        new("losses.milnce", ["losses.npz", "losses.json"], LossParity.MilNce),
        new("losses.cluster", ["losses.npz", "losses.json"], LossParity.Cluster),
        new("kmeans", ["kmeans.npz", "kmeans.json"], ClusterParity.KMeans),
        new("queue_original", ["queue_original.npz"], ClusterParity.Queue),
        new("train_const", ["init_params.npz", "batches.npz"], (golden, report) => TrainingParity.Run(golden, "train_const", report)),
        new("train_sched", ["init_params.npz", "batches.npz"], (golden, report) => TrainingParity.Run(golden, "train_sched", report)),
        new("flags", ["init_params.npz", "batches.npz"], TrainingParity.RunFlags),
        new("lr_schedule", ["lr_schedule.json"], TrainingParity.Schedule),
        new("fullsize", ["fullsize.npz", "fullsize.json"], PublishedSizeParity.Check),
        new("tokenizer", ["tokenizer.json", "tokenizer.npz", "word2vec.bin"], TextParity.Tokenizer),
        new("clip_sampling", ["clip_sampling.json", "caption.json", "howto"], LoaderParity.Sampling),
        new("loader_items", ["loader_items.json", "loader_items.npz", "videopaths.csv", "caption.pickle", "word2vec.bin", "howto"], LoaderParity.Items),
        new("random_windows", ["loader_items.json"], LoaderParity.RandomWindows),
        new("youcook_items", ["youcook_items.npz", "youcook_like.pkl", "word2vec.bin"], LoaderParity.YouCookItems),
        new("metrics", ["metrics.json", "metrics.npz"], RetrievalParity.Metrics),
        new("retrieval_eval", ["retrieval_eval.npz", "forward_eval.npz"], RetrievalParity.Evaluation),
        new("youcook_recall", ["metrics.json", "metrics.npz"], RetrievalParity.WholeVideos),
        new("alignment", ["alignment.json", "alignment.npz"], StepParity.Alignment),
        new("crosstask_audio_windows", ["crosstask_audio_windows.json"], StepParity.Windows),
        new("crosstask_video_pool", ["crosstask_video_pool.npz"], StepParity.Pooling),
        new("mel", ["tone.wav", "mel.npz"], SoundParity.Mel),
        new("checkpoint_zip", ["init_params.npz", "checkpoint_zip.pth"], (golden, report) => FileParity.Checkpoint(golden, "checkpoint_zip.pth", report)),
        new("checkpoint_legacy", ["init_params.npz", "checkpoint_legacy.pth"], (golden, report) => FileParity.Checkpoint(golden, "checkpoint_legacy.pth", report)),
    ];

    /// <summary>Names of the groups.</summary>
    public static IEnumerable<string> Names => Groups.Select(group => group.Name);

    /// <summary>Runs every group, or those named.</summary>
    /// <param name="only">Names of groups; empty: all.</param>
    public static void Check(GoldenFolder golden, ParityReport report, IReadOnlyCollection<string> only)
    {
        foreach (var group in Groups.Where(group => only.Count == 0 || only.Contains(group.Name)))
        {
            if (group.Files.FirstOrDefault(file => !golden.Has(file)) is { } missing)
            {
                report.Skip(group.Name, $"the folder has no {missing}");
                continue;
            }

            try
            {
                group.Check(golden, report);
            }
            catch (Exception error) when (error is UserError or KeyNotFoundException or InvalidOperationException or FormatException or JsonException or ArgumentException or IndexOutOfRangeException)
            {
                // Numbers that cannot be read are no numbers that agree.
                report.Fail(group.Name, 0, error is UserError ? error.Message : $"its files cannot be read as expected: {error.Message}");
            }
        }
    }

    sealed record Group(string Name, string[] Files, Action<GoldenFolder, ParityReport> Check);
}
