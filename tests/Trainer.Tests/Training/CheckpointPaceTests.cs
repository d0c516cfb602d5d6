using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class CheckpointPaceTests
{
    static readonly CheckpointPace Pace = new(TestRun.Config("/", "a", "b", "c", "d").Checkpoint with { MaxLossSeconds = 120, MaxOverhead = 0.01, MemoryEverySeconds = 10 });

    [Theory]
    [InlineData(0.01, 10)] // cheap: as often as is asked for
    [InlineData(0.3, 30)] // standing still takes 1 % of the time
    [InlineData(5, 114)] // dear: what may be lost is worth more than 1 %
    public void Snapshots_in_memory_cost_a_hundredth_of_the_time_unless_too_much_could_be_lost(double stallSeconds, double every) =>
        Assert.Equal(every, (Pace with { Stall = TimeSpan.FromSeconds(stallSeconds), Step = TimeSpan.FromSeconds(1) }).Memory.TotalSeconds, 3);

    [Theory]
    [InlineData(0, 119, 120)]
    [InlineData(9, 110, 120)]
    [InlineData(60, 240, 301)] // a quarter of the time is enough for a slow disk; what is at risk is told as it is
    public void A_checkpoint_is_on_disk_before_more_than_that_could_be_lost(double writeSeconds, double every, double atRisk)
    {
        var pace = Pace with { Write = TimeSpan.FromSeconds(writeSeconds), Step = TimeSpan.FromSeconds(1) };
        Assert.Equal(every, pace.Disk.TotalSeconds, 3);
        Assert.Equal(atRisk, pace.AtRiskMachine.TotalSeconds, 3);
    }
}
