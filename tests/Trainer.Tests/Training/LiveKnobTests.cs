using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Live knobs are a function of the step by the run's history: whoever goes on turns them where they were turned.</summary>
public sealed class LiveKnobTests
{
    [Fact]
    public void A_knob_turned_while_it_trains_is_told_takes_effect_and_is_part_of_the_checkpoint()
    {
        using var run = new SmallRun();
        var asked = false;
        var (_, records) = run.Train(watch: (record, control) =>
        {
            if (asked || record is not StepMetrics { Step: 3 }) return;
            asked = true;
            control.RequestKnob(new KnobChange(LiveKnob.LearningRateScale, 0.5, Expected: 1), "k-1");
            control.RequestKnob(new KnobChange(LiveKnob.LearningRateScale, 0.25, Expected: 1), "k-2"); // somebody else was faster
        });
        var turned = Assert.Single(records.OfType<KnobChanged>());
        Assert.Equal((LiveKnob.LearningRateScale, 1.0, 0.5, "k-1"), (turned.Name, turned.Before, turned.Value, turned.CommandId));
        Assert.Contains(records.OfType<RunStateChanged>(), told => told is { CommandId: "k-2", Reason.Code: "knob_failed" });
        foreach (var step in records.OfType<StepMetrics>().Where(step => step.Step > 1))
        {
            var scheduled = LearningRate.At(step.Step - 1, run.Config.Optimizer, 12, risesAgain: false);
            Assert.Equal(step.Step > turned.Step ? scheduled * 0.5 : scheduled, step.Values[MetricCatalog.LearningRate]);
        }

        Assert.Equal(0.5, CheckpointFolder.List(run.Folder.Checkpoints)[^1].Manifest.Knobs[LiveKnob.LearningRateScale]);
        Assert.Equal(1, Assert.Single(records.OfType<RunStarted>()).Knobs.Single(knob => knob.Name == LiveKnob.LearningRateScale).Value);
    }

    [Fact]
    public void A_run_that_goes_on_from_before_a_change_makes_it_again_at_the_same_step_and_ends_with_the_same_bits()
    {
        KnobSetting[] changes = [new(6, LiveKnob.LearningRateScale, 0.5, default, "k-1"), new(9, LiveKnob.LearningRateScale, 2, default, "k-2")];
        using var whole = WithHistory(changes);
        whole.Train();
        using var unturned = new SmallRun();
        unturned.Train();
        Assert.NotEqual(whole.Losses(), unturned.Losses());

        using var cut = WithHistory(changes);
        cut.Train(steps: 10); // both changes are made
        foreach (var entry in CheckpointFolder.List(cut.Folder.Checkpoints).Where(entry => entry.Step > 4)) Directory.Delete(entry.Path, recursive: true);
        var (reason, rest) = cut.Train();
        Assert.Equal(("finished", 4L), (reason, rest.OfType<RunStarted>().Single().FromStep));
        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());

        using var turnedAtTheCheckpoint = WithHistory(new KnobSetting(8, LiveKnob.LearningRateScale, 0.5, default, null));
        turnedAtTheCheckpoint.Train(steps: 9);
        foreach (var entry in CheckpointFolder.List(turnedAtTheCheckpoint.Folder.Checkpoints).Where(entry => entry.Step > 8)) Directory.Delete(entry.Path, recursive: true);
        // The repeated step has the knob of the first time, or it would not be the same.
        Assert.True(turnedAtTheCheckpoint.Train().Records.OfType<ResumeProven>().Single().Exact);
    }

    [Fact]
    public void The_log_interval_decides_from_its_step_on_which_steps_are_told()
    {
        using var run = WithHistory(new KnobSetting(4, LiveKnob.LogEverySteps, 3, default, null));
        var told = run.Train().Records.OfType<StepMetrics>().Select(step => step.Step);
        Assert.Equal([1, 2, 3, 4, 6, 8, 9, 12], told); // every third, and the last of each epoch
    }

    [Theory]
    [InlineData("learning_rate_scale", 11, "expected a number from 0 to 10")]
    [InlineData("learning_rate_scale", double.NaN, "expected a number from 0 to 10")]
    [InlineData("log_every_steps", 1.5, "expected a whole number from 1")]
    [InlineData("batch_size", 2, "no such knob; there are learning_rate_scale, checkpoint_max_loss_seconds, log_every_steps")]
    public void What_a_knob_does_not_take_changes_nothing(string name, double value, string why)
    {
        using var run = new SmallRun();
        var knobs = LiveKnobs.Open(run.Create(), run.Config, null, TimeProvider.System);
        Assert.Contains(why, knobs.Turn(new KnobChange(name, value), 3, null), StringComparison.Ordinal);
        Assert.False(File.Exists(run.Folder.Knobs));
    }

    [Fact]
    public void A_newer_wish_replaces_what_was_done_later_by_a_process_that_died()
    {
        var history = new KnobHistory(1, [new(3, "a", 1, default, null), new(9, "a", 2, default, null), new(9, "b", 3, default, null)]);
        var newer = history.With(new KnobSetting(5, "a", 4, default, null));
        Assert.Equal([1.0, 4.0, 4.0], new[] { 3L, 5L, 20L }.Select(step => newer.At("a", step)!.Value));
        Assert.Equal((null, 3.0), (newer.At("b", 8), newer.At("b", 9)));
    }

    [Fact]
    public void Without_its_history_the_knobs_are_those_of_the_checkpoint()
    {
        using var run = WithHistory(new KnobSetting(2, LiveKnob.LearningRateScale, 0.5, default, null));
        run.Train(steps: 4);
        File.Delete(run.Folder.Knobs);
        var (_, rest) = run.Train(steps: 6);
        Assert.Equal(0.5, rest.OfType<RunStarted>().Single().Knobs.Single(knob => knob.Name == LiveKnob.LearningRateScale).Value);
        Assert.All(rest.OfType<ResumeProven>(), resume => Assert.True(resume.Exact, resume.Text));
    }

    static SmallRun WithHistory(params KnobSetting[] changes)
    {
        var run = new SmallRun();
        File.WriteAllBytes(run.Create().Knobs, JsonSerializer.SerializeToUtf8Bytes(new KnobHistory(ProtocolVersion.Knobs, changes), McnJson.Default.KnobHistory));
        return run;
    }
}
