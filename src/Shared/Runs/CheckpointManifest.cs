namespace Mcn.Web.Shared.Runs;

/// <summary>`state.json` of a checkpoint: written last, so that a folder with one is complete.</summary>
public sealed record CheckpointManifest
{
    public required int FormatVersion { get; init; }

    public required string RunId { get; init; }

    public required int Incarnation { get; init; }

    /// <summary>When it was taken, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Epoch of the next step, from 0.</summary>
    public required int Epoch { get; init; }

    /// <summary>Place of the next step in its epoch, from 0.</summary>
    public required int StepInEpoch { get; init; }

    /// <summary>Epochs whose evaluation is done; one less than <see cref="Epoch"/> while it is due.</summary>
    public required int EpochsClosed { get; init; }

    /// <summary>Updates that Adam has made.</summary>
    public required long AdamSteps { get; init; }

    /// <summary>Block of the queue that the next step overwrites; null without a queue.</summary>
    public required int? QueueHead { get; init; }

    /// <summary>Steps that the queue holds; null without a queue.</summary>
    public required int? QueueFilled { get; init; }

    /// <summary>Fingerprint of the data set: list, captions, vocabulary.</summary>
    public required string Dataset { get; init; }

    public required IReadOnlyList<CheckpointFile> Files { get; init; }
}

/// <param name="Name">File name within the checkpoint's folder.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Xxh128">XXH3-128 of its content, 32 hexadecimal digits.</param>
public sealed record CheckpointFile(string Name, long Bytes, string Xxh128);
