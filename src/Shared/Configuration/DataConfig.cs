namespace Mcn.Web.Shared.Configuration;

/// <summary>HowTo100M-style input (mcn-spec §3).</summary>
public sealed record DataConfig
{
    /// <summary>CSV with a column `path`: one video a row.</summary>
    public required string TrainCsv { get; init; }

    /// <summary>Root of the 2d and 3d features.</summary>
    public required string FeaturesPath { get; init; }

    /// <summary>Root of the spectrograms; the same as <see cref="FeaturesPath"/> when absent.</summary>
    public required string FeaturesPathAudio { get; init; }

    /// <summary>Python pickle: video id → start, end, text.</summary>
    public required string CaptionPath { get; init; }

    /// <summary>Folder of packed shards in place of the four paths before it; empty: the original's layout.</summary>
    public required string Shards { get; init; }

    /// <summary>Word vectors in Google's binary layout.</summary>
    public required string Word2vecPath { get; init; }

    /// <summary>VIDEOS a step (the paper's 4096 is 128 videos x 32 clips).</summary>
    public required int BatchSize { get; init; }

    /// <summary>Clips drawn from each video.</summary>
    public required int NPair { get; init; }

    /// <summary>Spectrogram frames of a clip, 10 ms each.</summary>
    public required int HowtoAudioFrames { get; init; }

    /// <summary>Shortest clip, seconds; neighbouring captions are added until it is reached.</summary>
    public required double MinTime { get; init; }

    /// <summary>Words kept of a clip.</summary>
    public required int MaxWords { get; init; }

    /// <summary>Rows a second of the 2d features (the 3d rate is fixed at 1.5).</summary>
    public required double FeatureFramerate { get; init; }

    /// <summary>Reader threads.</summary>
    public required int NumThreadReader { get; init; }

    /// <summary>Bound of the read-ahead: host memory of all batches being filled or waiting, bytes.</summary>
    public required long ReadAheadBytes { get; init; }

    /// <summary>How shards are read: `random`, `sequential`, or `auto`, which asks the kernel what the disk is.</summary>
    public required string ReadMode { get; init; }

    /// <summary>Memory of the shards held in mode `sequential`, bytes.</summary>
    public required long ShuffleWindowBytes { get; init; }

    /// <summary>Visits of a video in an epoch for one time of reading it; more than 1 only in mode `sequential`.</summary>
    public required int Echo { get; init; }

    /// <summary>Whether a record of a shard is compared with its checksums when a process first reads it.</summary>
    public required bool VerifyChecksums { get; init; }

    /// <summary>Share of the listed videos that may turn out unreadable before the run stops; 0: the first one stops it.</summary>
    public required double BadRecordBudget { get; init; }
}
