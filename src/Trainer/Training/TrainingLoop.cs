using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The page that tells the training: batch, step, report, and at an epoch's end evaluation and checkpoint. Runs on the rank's thread,
/// synchronous from top to bottom. Resuming is starting with another position; nothing else is different. Wishes from outside are looked
/// at once a step, and every phase leaves a mark in the flight recorder.
/// </summary>
public sealed class TrainingLoop(
    RunConfig config,
    TrainingData data,
    ReplicaTeam team,
    CheckpointDuty checkpoints,
    EpochEvaluation evaluation,
    TelemetryOutlet outlet,
    RecorderLane lane,
    RunControl control,
    LiveKnobs knobs)
{
    static readonly TimeSpan HeldBeat = TimeSpan.FromSeconds(1);

    readonly int stepsPerEpoch = data.Plan.StepsPerEpoch;
    readonly StepClock clock = new(config.ClipsPerStep);
    readonly DataReport dataReport = new(config, data, outlet);
    readonly ReplicaReport replicaReport = new(team);

    public long TotalSteps => (long)stepsPerEpoch * config.Optimizer.Epochs;

    /// <summary>Median wall time of a step so far.</summary>
    public TimeSpan MedianStep => clock.Median;

    /// <summary>Trains from a position until the end, a stop, or the step limit; saves before it returns.</summary>
    /// <param name="position">Where to go on.</param>
    /// <param name="stepLimit">Leave once this many steps are done in all; null: at the end of the schedule.</param>
    /// <returns>Where it stands now.</returns>
    public TrainingPosition Run(TrainingPosition position, long? stepLimit)
    {
        var lastStep = Math.Min(TotalSteps, stepLimit ?? TotalSteps);
        Tell(RunState.Running, position);
        clock.Start();
        using var batches = position.Step < lastStep ? data.CreatePrefetcher(position.Epoch, position.StepInEpoch) : null;
        while (!control.StopRequested)
        {
            if (control.TakeReleaseWish() is { } release && TrySaveAndRelease(position, release)) break;
            ServeWishes(position, RunState.Running);
            if (control.HoldRequested)
            {
                Hold(position);
                continue; // what ended the hold may be a stop, or a wish for a checkpoint
            }

            if (position.EpochEndIsDue)
            {
                position = evaluation.Run(position, isLast: position.Step == TotalSteps, control);
                if (position.EpochEndIsDue) continue; // told to leave before it was done: it is due when the run goes on
                checkpoints.Evaluated(position, evaluation.Metric);
                if (position.Epoch % config.Checkpoint.EveryEpochs == 0 || position.Step == TotalSteps) checkpoints.Save(position, "epoch", null);
                else if (checkpoints.IsDueByStep(position)) checkpoints.Save(position, "steps", null);
                clock.Start(); // evaluating and saving are not part of the next step
            }

            if (position.Step >= lastStep) break;
            var waitBegan = Stopwatch.GetTimestamp();
            var batch = Fetch(batches!, position);
            position = Step(position, batch, Stopwatch.GetElapsedTime(waitBegan), lastStep);
            batches!.Return(batch);
            if (checkpoints.AfterStep(position, clock.LastStep)) clock.Start();
        }

        if (control.SaveBeforeLeaving && !checkpoints.SaveAndWait(position))
        {
            throw new UserError($"step {position.Step}", "trained but not saved (the warning above says why)", "a checkpoint at the end",
                $"Mend that and start again: the run goes on at step {checkpoints.Saved.Step}", checkpoints.Failure?.ExitCode ?? ExitCodes.Storage);
        }

        lane.Mark(RecorderPhase.Leaving);
        return position;
    }

    /// <summary>Stands still, keeps the device's memory, and goes on marking, so that nobody takes it for a hang.</summary>
    void Hold(TrainingPosition position)
    {
        checkpoints.SaveIfRoom(position, "hold"); // it may last: nothing is to be lost meanwhile
        lane.Mark(RecorderPhase.Held);
        Tell(RunState.Held, position, control.HoldCommandId);
        var began = Stopwatch.GetTimestamp();
        while (control.HoldRequested && !control.StopRequested)
        {
            lane.Mark(RecorderPhase.Held);
            control.WaitForWish(HeldBeat);
            checkpoints.Collect();
            if (IsHeldTooLong(began))
            {
                control.RequestRelease(null);
                began = Stopwatch.GetTimestamp(); // when it cannot be saved, it is tried again after as long
            }

            if (control.TakeReleaseWish() is { } release && TrySaveAndRelease(position, release, resumeAs: RunState.Held)) return;
            ServeWishes(position, RunState.Held);
        }

        if (!control.StopRequested) Tell(RunState.Running, position, control.ResumeCommandId);
        clock.Start(); // the time that it stood still is no step's
    }

    bool IsHeldTooLong(long since) =>
        config.Checkpoint.MaxHoldSeconds > 0 && Stopwatch.GetElapsedTime(since).TotalSeconds >= config.Checkpoint.MaxHoldSeconds;

    /// <summary>Saves and waits until that is verified; only then this process may go. When it cannot be saved, nothing has changed.</summary>
    bool TrySaveAndRelease(TrainingPosition position, ReleaseWish wish, RunState resumeAs = RunState.Running)
    {
        var tooLong = wish.CommandId is null ? new CodedText("held_too_long", "held longer than checkpoint.max_hold_seconds") : null;
        Tell(RunState.Saving, position, wish.CommandId, tooLong);
        if (checkpoints.SaveAndWait(position, "release", wish.CommandId))
        {
            Tell(RunState.Releasing, position, wish.CommandId, tooLong);
            control.RequestStop(wish.CommandId, save: true); // it is on disk already
            return true;
        }

        Tell(resumeAs, position, wish.CommandId, new CodedText("save_failed", $"it could not be saved: {checkpoints.Failure?.Message ?? "the disk takes too long"}"));
        clock.Start();
        return false;
    }

    /// <summary>What somebody asked for beside the plan: a knob, a checkpoint, an evaluation.</summary>
    void ServeWishes(TrainingPosition position, RunState state)
    {
        while (control.TakeKnobWish() is { } wish) Turn(position, wish, state);
        if (control.TakeCheckpointWish() is { } checkpoint) SaveOnCommand(position, checkpoint, state);
        if (control.TakeEvaluationWish() is not { } evaluate) return;
        lane.Mark(RecorderPhase.Evaluate);
        var done = evaluation.RunNow(position, control, evaluate.CommandId);
        outlet.Write(new RunStateChanged
        {
            State = state, Step = position.Step, CommandId = evaluate.CommandId,
            Reason = done ? null : new CodedText("evaluation_left", "the evaluation was left: something more urgent came"),
        });
        clock.Start();
    }

    void Turn(TrainingPosition position, KnobWish wish, RunState state)
    {
        var before = knobs.At(position.Step).FirstOrDefault(knob => knob.Name == wish.Change.Name)?.Value;
        if (knobs.Turn(wish.Change, position.Step, wish.CommandId) is { } refusal) Tell(state, position, wish.CommandId, new CodedText("knob_failed", refusal));
        else outlet.Write(new KnobChanged { Step = position.Step, Name = wish.Change.Name, Before = before!.Value, Value = wish.Change.Value, CommandId = wish.CommandId });
    }

    /// <summary>Training goes on as soon as the copy is made; the record of the checkpoint carries the command's id.</summary>
    void SaveOnCommand(TrainingPosition position, CheckpointWish wish, RunState resumeAs)
    {
        Tell(RunState.Saving, position, wish.CommandId);
        checkpoints.Save(position, "command", wish.CommandId);
        Tell(resumeAs, position, wish.CommandId);
        clock.Start();
    }

    void Tell(RunState state, TrainingPosition position, string? commandId = null, CodedText? reason = null) =>
        outlet.Write(new RunStateChanged { State = state, Step = position.Step, CommandId = commandId, Detail = reason?.English, Reason = reason });

    /// <summary>The next batch. When its input is bad, the steps done so far are saved before the run ends with what was found.</summary>
    Batch Fetch(Prefetcher batches, TrainingPosition position)
    {
        lane.Step = position.Step;
        lane.Epoch = position.Epoch;
        lane.Mark(RecorderPhase.Fetch);
        try
        {
            return batches.Next(CancellationToken.None);
        }
        catch (UserError)
        {
            checkpoints.SaveAndWait(position);
            throw;
        }
    }

    TrainingPosition Step(TrainingPosition position, Batch batch, TimeSpan dataWait, long lastStep)
    {
        lane.SetSamples(batch.Videos);
        var rate = LearningRate.At(position.Step, config.Optimizer, TotalSteps, config.Compatibility.ScheduleRisesAgain)
            * knobs.Value(LiveKnob.LearningRateScale, position.Step);
        var next = position.Next(stepsPerEpoch);
        var report = next.Step % (long)knobs.Value(LiveKnob.LogEverySteps, position.Step) == 0 || position.Step == 0 || next.EpochEndIsDue || next.Step == lastStep;
        var prove = checkpoints.WantsProof(position);
        StepOutcome outcome;
        try
        {
            outcome = team.Step(batch, rate, read: report || prove);
        }
        catch (UserError)
        {
            checkpoints.SaveAndWait(position); // everything is as before the step
            throw;
        }

        foreach (var (shortage, after) in outcome.Shortages.Zip(outcome.Shortages.Skip(1).Select(next => next.ClipsHeld).Append(team.ClipsHeld)))
            outlet.Write(shortage.Halved(after, next.Step));
        if (prove) checkpoints.Prove(position, StepEvidence.Of(team, position, rate, batch, outcome.Loss!));
        lane.SetSamples([]);
        clock.StepDone();
        lane.Step = next.Step;
        lane.Mark(RecorderPhase.StepDone, outcome.Loss?.Total ?? double.NaN);
        if (report) Report(next, position.Epoch, rate, dataWait, outcome);
        return next;
    }

    void Report(TrainingPosition position, int epoch, double rate, TimeSpan dataWait, StepOutcome outcome)
    {
        var loss = outcome.Loss!;
        if (!double.IsFinite(loss.Total))
        {
            throw new UserError($"step {position.Step}", $"loss {loss.Total} ({loss})", "a finite number",
                "The last checkpoint is from before it. Lower optimizer.lr, or look for non-finite input with smaller telemetry.n_display");
        }

        var values = StepEvidence.MetricsOf(loss).ToDictionary();
        void Add(string name, double? value)
        {
            if (value is { } number) values[name] = number;
        }

        Add(MetricCatalog.LearningRate, rate);
        Add(MetricCatalog.Samples, position.Step * (double)config.ClipsPerStep);
        var seconds = clock.SinceReport.TotalSeconds;
        Add(MetricCatalog.SamplesPerSecond, clock.TakeSamplesPerSecond());
        Add(MetricCatalog.StepDuration, clock.LastStep.TotalSeconds);
        Add(MetricCatalog.DataWait, dataWait.TotalSeconds);
        Add(MetricCatalog.HostToDevice, outcome.HostToDevice.TotalSeconds);
        Add(MetricCatalog.Forward, outcome.Forward.TotalSeconds);
        Add(MetricCatalog.Backward, outcome.Backward.TotalSeconds);
        if (config.Devices.Count > 1) Add(MetricCatalog.Exchange, outcome.Exchange.TotalSeconds);
        Add(MetricCatalog.Optimizer, outcome.Optimizer.TotalSeconds);
        if (outcome.GradientNorm is { } norm && double.IsFinite(norm)) Add(MetricCatalog.GradientNorm, norm);
        replicaReport.AddTo(values, seconds);
        var (process, machine) = checkpoints.AtRisk;
        Add(MetricCatalog.CheckpointStall, checkpoints.Stall.TotalSeconds);
        Add(MetricCatalog.CheckpointAtRisk, process.TotalSeconds);
        Add(MetricCatalog.CheckpointAtRiskMachine, machine.TotalSeconds);
        dataReport.AddTo(values);
        outlet.Write(new StepMetrics { Step = position.Step, Epoch = epoch, Values = values });
    }
}
