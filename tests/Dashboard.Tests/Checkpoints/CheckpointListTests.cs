using Mcn.Web.Dashboard.Checkpoints;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Tests.Checkpoints;

public sealed class CheckpointListTests
{
    [Fact]
    public void The_newest_listing_counts_and_the_pins_since_then_in_whatever_order_they_arrive()
    {
        TelemetryRecord[] records = [Written(1, Kept(10, "last")), Pin(2, 10, true), Written(3, Kept(10, "pinned"), Kept(20, "last")), Pin(4, 20, true), Pin(5, 10, false)];
        foreach (var order in new int[][] { [0, 1, 2, 3, 4], [2, 0, 4, 1, 3], [4, 3, 2, 1, 0] })
        {
            var list = order.Aggregate(CheckpointList.Empty, (list, i) => list.With(records[i]));
            Assert.Equal([(10, ""), (20, "last,pinned")], list.Kept.Select(one => (one.Step, string.Join(',', one.KeptBy))));
        }
    }

    [Fact]
    public void A_process_that_begins_tells_what_it_finds()
    {
        var list = CheckpointList.Empty.With(Written(1, Kept(10, "last"), Kept(20, "last")))
            .With((RunStarted)Records.Started(20) with { Time = Records.Begin.AddSeconds(5), Checkpoints = [Kept(20, "last")] });
        Assert.Equal([20L], list.Kept.Select(one => one.Step));
    }

    static KeptCheckpoint Kept(long step, params string[] rules) => new(step, Records.Begin, 1, null, rules);

    static CheckpointWritten Written(int second, params KeptCheckpoint[] kept) =>
        new() { Time = Records.Begin.AddSeconds(second), Step = kept[^1].Step, Path = "p", Bytes = 1, DurationSeconds = 1, Kept = kept };

    static CheckpointPinned Pin(int second, long step, bool pinned) => new() { Time = Records.Begin.AddSeconds(second), Step = step, Pinned = pinned };
}
