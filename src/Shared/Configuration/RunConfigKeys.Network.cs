using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

// The sections that decide the numbers: data, model, objective, optimizer.
public static partial class RunConfigKeys
{
    // batch_size x n_pair stays below 2^31, the largest number of clips that RunConfig.ClipsPerStep can name.
    const int MostVideos = 1_000_000;
    const int MostClipsOfAVideo = 1000;

    static IEnumerable<ConfigKey> Data() =>
    [
        new("data.train_csv", new PathOf(PathTarget.File, OrNone: true), "CSV with a column `path`: one video a row.") { Default = "", RequiredWithout = Shards },
        new("data.features_path", new PathOf(PathTarget.Folder, OrNone: true), "Root of the 2d and 3d features: PATH/ID_2d.npz, PATH/ID_3d.npz.") { Default = "", RequiredWithout = Shards },
        new("data.features_path_audio", new PathOf(PathTarget.Folder, OrNone: true), "Root of the spectrograms: PATH/ID_spec.npz.")
        {
            DefaultFrom = "data.features_path",
            DefaultText = "the same as features_path",
        },
        new("data.caption_path", new PathOf(PathTarget.File, OrNone: true), "Python pickle: video id → start, end, text.") { Default = "", RequiredWithout = Shards },
        new(Shards, new PathOf(PathTarget.Folder, OrNone: true),
            "What `data pack` made: takes the place of train_csv, features_path, features_path_audio and caption_path.") { Default = "" },
        new("data.word2vec_path", new PathOf(PathTarget.File), "Word vectors in Google's binary layout."),
        Key("data.batch_size", new WholeNumber(1, MostVideos), 128,
            "VIDEOS a step, not clips: the paper's 4096 is batch_size 128 x n_pair 32.", "videos"),
        Key("data.n_pair", new WholeNumber(1, MostClipsOfAVideo), 32, "Drawn from each video, with replacement.", "clips a video"),
        Key("data.howto_audio_frames", new WholeNumber(1, 1_000_000), 1000,
            "Spectrogram frames of a clip; longer audio is cut.", "frames of 10 ms"),
        Key("data.min_time", new RealNumber(0, 86400), 10.0,
            "Shortest clip; neighbouring captions are added until it is reached.", "seconds"),
        Key("data.max_words", new WholeNumber(1, 1000), 20, "Kept of a clip's text.", "words"),
        Key("data.feature_framerate", new RealNumber(0, 1000, WithoutLeast: true), 1.0,
            "Rows of the 2d features; the 3d rate is fixed at 1.5.", "rows a second"),
        Key("data.num_thread_reader", new WholeNumber(1, 1024), 4,
            "Reader threads of one process; what they hold in memory is bounded by read_ahead_bytes.", "threads"),
        Key("data.read_ahead_bytes", new WholeNumber(1, 1L << 50), 1L << 30,
            "Bound of the host memory of all batches being filled or waiting.", "bytes"),
        Key("data.read_mode", new OneOf("auto", "random", "sequential"), "auto",
            "How shards are read. random: only the bytes that are needed, in any order (NVMe); sequential: whole shards, one after another, shuffled inside a window (hard disks); auto: what the kernel says of the disk."),
        Key("data.shuffle_window_bytes", new WholeNumber(1, 1L << 50), 8L << 30,
            "With read_mode sequential: memory of the shards that are held, half of it for the window being used and half for the next.", "bytes"),
        Key("data.echo", new WholeNumber(1, 16), 1,
            "With read_mode sequential: visits of a video in an epoch, each with clips of its own, for one time of reading it (data echoing). 1 is the paper.", "visits"),
        Key("data.verify_checksums", new Flag(), true,
            "A record of a shard is compared with its checksums when a process reads it for the first time."),
        Key("data.bad_record_budget", new RealNumber(0, 1), 0.001,
            "Videos that may be missing, torn or not finite: each is skipped, another one drawn for it, and shown; beyond this the run stops with the list.",
            "of the videos"),
    ];

    static IEnumerable<ConfigKey> Model() =>
    [
        Key("model.embd_dim", new WholeNumber(1, 1 << 20), 6144, "D: width of the joint space."),
        Key("model.feature_dim", new WholeNumber(2, 1 << 20), 4096, "V: width of the video input, 2d and 3d together."),
        Key("model.we_dim", new WholeNumber(1, 1 << 20), 300, "Width of a word vector."),
        Key("model.mel_bands", new WholeNumber(1, 1 << 20), 40, "Mel bands of the spectrogram.", "bands"),
        Key("model.layer_widths", new ListOf(new WholeNumber(1, 1 << 20), 5, 5), new JsonArray(128, 128, 256, 512, 1024),
            "Widths of DAVEnet's five stages; the last one is the audio width A."),
        Key("model.recon", new Flag(), true, "Whether the reconstruction heads exist."),
        Key("model.recon_size", new WholeNumber(1, 1 << 20), 1024, "R: hidden width of the reconstruction heads."),
        Key("model.batchnorm_group", new WholeNumber(2, MostVideos), 1024,
            "That batch normalisation takes together in training, the same for any number of devices; the original on 4 GPUs: 1024. A smaller step is one group.", "clips"),
        new("model.pretrain_path", new PathOf(PathTarget.FileOrFolder, OrNone: true), "Weights that a new run starts from: .pth, .safetensors, a checkpoint or a run; empty: random ones.") { Default = "" },
        Key("model.pretrain_partial", new Flag(), false, "Take only the entries of pretrain_path that fit, and tell the rest; off: all must fit."),
    ];

    static IEnumerable<ConfigKey> Objective() =>
    [
        Key("objective.margin", new RealNumber(0), 0.001, "Subtracted from the matching similarities."),
        Key("objective.weight_text_video", new RealNumber(0), 1.0, "Weight of the text-video term."),
        Key("objective.weight_audio_text", new RealNumber(0), 1.0, "Weight of the audio-text term."),
        Key("objective.weight_audio_video", new RealNumber(0), 1.0, "Weight of the audio-video term."),
        Key("objective.no_audio", new Flag(), false, "Leave the audio out of the contrastive and cluster terms."),
        Key("objective.no_video", new Flag(), false, "Leave the video out of the contrastive and cluster terms."),
        Key("objective.kmeans", new Flag(), true, "Add the cluster loss."),
        Key("objective.cluster_size", new WholeNumber(1, MostVideos), 256, "K: number of clusters.", "clusters"),
        Key("objective.use_queue", new Flag(), true, "Cluster the fused embeddings of earlier steps too."),
        Key("objective.queue_size", new WholeNumber(1, MostVideos), 20, "Length of the queue, and interval of the refits.", "steps"),
        Key("objective.start_queue", new WholeNumber(0), 0, "First epoch, counted from 0, in which the queue is filled.", "epoch"),
        Key("objective.fastC", new Flag(), true, "Refit every queue_size steps; off: anew in each step."),
        Key("objective.mean", new Flag(), false, "Cluster loss on the mean of the embeddings instead of on each."),
        Key("objective.clu_lamb", new RealNumber(0), 1.0, "Weight of the cluster loss."),
        Key("objective.recon_weight", new RealNumber(0), 50.0, "Weight of the reconstruction loss."),
    ];

    static IEnumerable<ConfigKey> Optimizer() =>
    [
        Key("optimizer.lr", new RealNumber(0, 1, WithoutLeast: true), 1e-4, "Peak learning rate."),
        Key("optimizer.schedule", new OneOf("cosine", "constant"), "cosine",
            "\"cosine\": linear warm-up, then cosine to zero; \"constant\": lr in every step."),
        Key("optimizer.warmup_steps", new WholeNumber(0), 5000, "Of linear warm-up; the very first step has learning rate 0.", "steps"),
        Key("optimizer.epochs", new WholeNumber(1), 30, "Passes over the video list.", "epochs"),
        Key("optimizer.beta1", new RealNumber(0, 1, WithoutMost: true), 0.9, "Decay of the first moment, each step."),
        Key("optimizer.beta2", new RealNumber(0, 1, WithoutMost: true), 0.999, "Decay of the second moment, each step."),
        Key("optimizer.eps", new RealNumber(0, 1, WithoutLeast: true), 1e-8, "Added to the root of the second moment."),
        Key("optimizer.micro_batch", new WholeNumber(0, int.MaxValue), 0,
            "Whose graph one device may hold at a time; 0 = one batchnorm_group. A device with more clips encodes them twice (gradient cache): less memory, about a third more time, the same numbers.",
            "clips"),
    ];
}
