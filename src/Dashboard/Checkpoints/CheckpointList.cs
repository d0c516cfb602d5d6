using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Checkpoints;

/// <summary>
/// What lies on the trainer's disk, as its records tell: the newest listing and the pins since then. Records of worker and daemon come
/// in any order; their times decide. Immutable.
/// </summary>
public sealed record CheckpointList
{
    readonly IReadOnlyList<KeptCheckpoint> listed = [];
    readonly IReadOnlyList<CheckpointPinned> pins = [];
    readonly DateTimeOffset at;

    public static CheckpointList Empty { get; } = new();

    CheckpointList(IReadOnlyList<KeptCheckpoint> listed, DateTimeOffset at, IReadOnlyList<CheckpointPinned> pins) => (this.listed, this.at, this.pins) = (listed, at, pins);

    CheckpointList()
    {
    }

    /// <summary>Oldest first. One that no rule keeps goes when the next is written.</summary>
    public IReadOnlyList<KeptCheckpoint> Kept =>
        [.. listed.Select(one => pins.LastOrDefault(pin => pin.Step == one.Step) is { } pin ? one with { KeptBy = [.. one.KeptBy.Where(rule => rule != KeptCheckpoint.Pinned), .. pin.Pinned ? [KeptCheckpoint.Pinned] : Array.Empty<string>()] } : one)];

    /// <summary>After one more record; the same where it tells nothing of checkpoints.</summary>
    public CheckpointList With(TelemetryRecord record) => record switch
    {
        RunStarted started => Listed(started.Checkpoints, started.Time),
        CheckpointWritten written => Listed(written.Kept, written.Time),
        CheckpointPinned pin when pin.Time >= at => new CheckpointList(listed, at, [.. pins.Append(pin).OrderBy(one => one.Time)]),
        _ => this,
    };

    CheckpointList Listed(IReadOnlyList<KeptCheckpoint> anew, DateTimeOffset time) =>
        time < at ? this : new CheckpointList(anew, time, [.. pins.Where(pin => pin.Time > time)]);
}
