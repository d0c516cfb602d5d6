using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>What people ask of a training that goes on: none of it changes a bit of the run.</summary>
public sealed class WishTests
{
    [Fact]
    public void An_evaluation_on_demand_is_told_with_its_command_and_changes_nothing()
    {
        using var whole = new SmallRun();
        whole.Train();
        using var asked = new SmallRun();
        var (reason, records) = asked.Train(watch: Once(2, control => control.RequestEvaluation("e-1")));
        Assert.Equal("finished", reason);
        var evaluation = Assert.Single(records.OfType<EvaluationFinished>(), record => record.CommandId == "e-1");
        Assert.True(evaluation.Step < 12);
        Assert.Contains(records.OfType<RunStateChanged>(), told => told is { State: RunState.Running, CommandId: "e-1", Reason: null });
        SmallRun.AssertSameTensors(whole.NewestTensors(), asked.NewestTensors());
        Assert.Equal(whole.Losses(), asked.Losses());
    }

    [Fact]
    public void Released_means_saved_verified_and_left_and_the_run_goes_on_to_the_same_bits()
    {
        using var whole = new SmallRun();
        whole.Train();
        using var released = new SmallRun();
        var (reason, records) = released.Train(watch: Once(2, control => control.RequestRelease("r-1")));
        Assert.Equal("interrupted", reason); // exit code 75
        Assert.Equal([RunState.Running, RunState.Saving, RunState.Releasing], records.OfType<RunStateChanged>().Select(told => told.State));
        var saved = Assert.Single(records.OfType<CheckpointWritten>(), written => written.Reason == "release");
        Assert.Equal(("r-1", records.OfType<RunEnded>().Single().Step), (saved.CommandId, saved.Step));
        Assert.Equal("finished", released.Train().Reason);
        SmallRun.AssertSameTensors(whole.NewestTensors(), released.NewestTensors());
    }

    [Fact]
    public void What_cannot_be_saved_is_not_released_and_training_goes_on()
    {
        using var run = new SmallRun().Longer(epochs: 60, everySteps: 0);
        // No disk has this much: space is decided before anything is written.
        run.Config = run.Config with { Checkpoint = run.Config.Checkpoint with { ReserveBytes = long.MaxValue / 2, MemoryEverySeconds = 0 } };
        long? failedAt = null;
        var (reason, records) = run.Train(watch: (record, control) =>
        {
            if (record is StepMetrics { Step: 1 }) control.RequestRelease("r-1");
            if (record is RunStateChanged { State: RunState.Running, CommandId: "r-1" } told) failedAt = told.Step;
            if (record is StepMetrics later && later.Step > failedAt) control.RequestStop(null, save: false);
        });
        var states = records.OfType<RunStateChanged>().Where(state => state.CommandId == "r-1").ToList();
        Assert.Equal([RunState.Saving, RunState.Running], states.Select(state => state.State));
        Assert.Equal("save_failed", states[1].Reason!.Code);
        Assert.Equal("interrupted", reason);
        Assert.True(records.OfType<RunEnded>().Single().Step > failedAt);
    }

    [Fact]
    public void A_hold_that_lasts_too_long_becomes_save_and_release()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Checkpoint = run.Config.Checkpoint with { MaxHoldSeconds = 0.05 } };
        var (reason, records) = run.Train(watch: Once(1, control => control.RequestHold("h-1")));
        Assert.Equal("interrupted", reason);
        var told = records.OfType<RunStateChanged>().ToList();
        Assert.Equal([RunState.Running, RunState.Held, RunState.Saving, RunState.Releasing], told.Select(state => state.State));
        Assert.Equal(("held_too_long", null), (told[^1].Reason!.Code, told[^1].CommandId));
    }

    [Fact]
    public void A_hold_during_an_evaluation_holds_behind_it_and_loses_none_of_it()
    {
        using var whole = ManySets();
        whole.Train();
        using var held = ManySets();
        var (asked, resumed) = (false, false);
        var (reason, records) = held.Train(watch: (record, control) =>
        {
            // The first of eight sets of the epoch's evaluation is done.
            if (record is EvaluationFinished && !asked) (asked, _) = (true, Ask(() => control.RequestHold("h-1")));
            if (record is RunStateChanged { State: RunState.Held } && !resumed) (resumed, _) = (true, Ask(() => control.RequestResume("r-1")));
        });
        Assert.Equal("finished", reason);
        Assert.Contains(records.OfType<RunStateChanged>(), told => told is { State: RunState.Held, CommandId: "h-1" });
        Assert.Contains(records.OfType<RunStateChanged>(), told => told is { State: RunState.Running, CommandId: "r-1" });
        Assert.Equal(whole.Journal().OfType<EvaluationFinished>().Select(done => done.Step), records.OfType<EvaluationFinished>().Select(done => done.Step));
        SmallRun.AssertSameTensors(whole.NewestTensors(), held.NewestTensors());
    }

    static SmallRun ManySets()
    {
        var run = new SmallRun();
        run.Config = run.Config with { Evaluation = run.Config.Evaluation with { EvalFiles = [.. Enumerable.Repeat(run.Config.Evaluation.EvalFiles[0], 8)], BatchSizeVal = 1 } };
        return run;
    }

    static bool Ask(Action ask)
    {
        ask();
        return true;
    }

    /// <summary>Asks once, when so many steps are told.</summary>
    static Action<TelemetryRecord, RunControl> Once(long step, Action<RunControl> ask)
    {
        var asked = false;
        return (record, control) =>
        {
            if (asked || record is not StepMetrics metrics || metrics.Step < step) return;
            asked = true;
            ask(control);
        };
    }
}
