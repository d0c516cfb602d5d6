using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class CheckpointRetentionTests
{
    static readonly Mcn.Web.Shared.Configuration.CheckpointConfig Config = TestRun.Config("/", "a", "b", "c", "d").Checkpoint with { KeepLast = 2, KeepBest = 1, KeepEveryEpochs = 5 };

    [Fact]
    public void Each_checkpoint_that_stays_says_why_and_the_others_go()
    {
        var kept = KeptBy(Entry(1), Entry(2, epoch: 5), Entry(3, marks: CheckpointFolder.PinnedMark), Entry(4, metric: 0.7), Entry(5, metric: 0.5), Entry(6), Entry(7, metric: 0.6));
        Assert.Equal(["", "epoch", "pinned", "best", "", "last", "last"], kept);
    }

    [Fact]
    public void Of_equally_good_ones_the_older_is_the_best_and_none_is_without_an_evaluation() =>
        Assert.Equal(["best", "", "last", "last"], KeptBy(Entry(1, metric: 0.5), Entry(2, metric: 0.5), Entry(3), Entry(4)));

    [Fact]
    public void A_crash_loop_keeps_two_from_before_a_crash_and_not_more()
    {
        var entries = Enumerable.Range(1, 9).Select(step => Entry(step, marks: CheckpointFolder.BeforeCrashMark)).ToArray();
        Assert.Equal(["", "", "", "", "", "", "", "last before-crash", "last before-crash"], KeptBy(entries));
    }

    [Fact]
    public void The_end_of_an_epoch_is_kept_once_it_is_evaluated_and_not_just_before() =>
        Assert.Equal(["", "epoch", "last", "last"], KeptBy(Entry(1, epoch: 5, closed: 4), Entry(2, epoch: 5), Entry(3), Entry(4)));

    static string[] KeptBy(params CheckpointEntry[] entries) => [.. CheckpointRetention.Decide(entries, Config).Select(entry => string.Join(' ', entry.KeptBy))];

    static CheckpointEntry Entry(long step, double? metric = null, int epoch = 0, int? closed = null, params string[] marks) => new($"step-{step}", new CheckpointManifest
    {
        FormatVersion = 2, RunId = "run", Incarnation = 1, Time = default, Step = step, Epoch = epoch, StepInEpoch = epoch == 0 ? 1 : 0, EpochsClosed = closed ?? epoch,
        AdamSteps = step, QueueHead = null, QueueFilled = null, Dataset = "", Metric = metric, Files = [],
    }, marks);
}
