namespace Mcn.Web.Trainer.Recording;

/// <summary>What a lane was doing when it left its last mark.</summary>
public enum RecorderPhase
{
    /// <summary>Opening data, building the network, reading a checkpoint.</summary>
    Setup = 0,

    /// <summary>Waiting for the next batch.</summary>
    Fetch = 1,
    Forward = 2,
    Backward = 3,
    Exchange = 4,

    /// <summary>The optimizer's update.</summary>
    Update = 5,

    /// <summary>A step is complete; its loss, where it was read.</summary>
    StepDone = 6,
    Evaluate = 7,
    Checkpoint = 8,

    /// <summary>Stands still on command.</summary>
    Held = 9,

    /// <summary>The training thread has left its loop.</summary>
    Leaving = 10,
}

/// <summary>
/// Bytes of `recorder.bin`, little-endian: a header, a block for last words, then one ring of records a lane. The kernel keeps the
/// pages of a mapped file when its process dies, so the last mark before any death is there (not after a power cut).
/// </summary>
static class RecorderLayout
{
    public const uint Magic = 0x524E434D; // "MCNR"
    public const int Version = 1;
    public const int RecordBytes = 128;
    public const int RecordsPerLane = 1024;
    public const int LaneHeaderBytes = 128;
    public const int LaneBytes = LaneHeaderBytes + RecordsPerLane * RecordBytes;

    // Header.
    public const int HeaderBytes = 4096;
    public const int VersionAt = 4;
    public const int LanesAt = 8;
    public const int IncarnationAt = 12;
    public const int ProcessAt = 16;
    public const int CleanEndAt = 20;
    public const int StartedAt = 24;
    public const int HeartbeatAt = 32;

    /// <summary>The monotonic clock at <see cref="StartedAt"/>, of this machine since its boot: marks are compared by it, whoever sets the other clock.</summary>
    public const int MonotonicAt = 40;
    public const int RunAt = 64;
    public const int RunBytes = 128;

    // Last words: length (u32), CRC-32 (u32), UTF-8.
    public const int LastWordsAt = HeaderBytes;
    public const int LastWordsBytes = 16 * 1024;
    public const int LastWordsTextBytes = LastWordsBytes - 8;

    public const int LanesStartAt = LastWordsAt + LastWordsBytes;

    // Lane header.
    public const int LaneNameBytes = 32;

    // Record. The sequence stands at both ends: different means torn.
    public const int SequenceAt = 0;
    public const int TimeAt = 8;
    public const int PhaseAt = 16;
    public const int EpochAt = 20;
    public const int StepAt = 24;
    public const int LossAt = 32;
    public const int SampleCountAt = 40;
    public const int SamplesAt = 48;
    public const int MostSamples = 16;
    public const int SequenceEndAt = 120;

    public static int FileBytes(int lanes) => LanesStartAt + lanes * LaneBytes;
}
