using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
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
    GpuRank rank,
    CheckpointStore checkpoints,
    EpochEvaluation evaluation,
    TelemetryOutlet outlet,
    RecorderLane lane,
    RunControl control)
{
    static readonly TimeSpan HeldBeat = TimeSpan.FromSeconds(1);

    readonly int stepsPerEpoch = data.Plan.StepsPerEpoch;
    readonly StepClock clock = new(config.ClipsPerStep);
    readonly DataReport dataReport = new(config, data, outlet);

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
        var saved = position;
        Tell(RunState.Running, position);
        clock.Start();
        using var batches = position.Step < lastStep ? data.CreatePrefetcher(position.Epoch, position.StepInEpoch) : null;
        while (!control.StopRequested)
        {
            if (control.TakeCheckpointWish() is { } wish && SaveOnCommand(position, wish)) saved = position;
            if (control.HoldRequested)
            {
                Hold(position);
                continue; // what ended the hold may be a stop, or a wish for a checkpoint
            }

            if (position.EpochEndIsDue)
            {
                position = evaluation.Run(position, isLast: position.Step == TotalSteps, control);
                if (position.EpochEndIsDue) break; // told to stop before it was done: it is due when the run goes on
                var saveIsDue = position.Epoch % config.Checkpoint.EveryEpochs == 0 || position.Step == TotalSteps;
                if (saveIsDue && Save(position)) saved = position;
                clock.Start(); // evaluating and saving are not part of the next step
            }

            if (position.Step >= lastStep) break;
            var waitBegan = Stopwatch.GetTimestamp();
            var batch = Fetch(batches!, position, saved);
            position = Step(position, batch, Stopwatch.GetElapsedTime(waitBegan), lastStep);
            batches!.Return(batch);
        }

        if (saved != position && control.SaveBeforeLeaving && !Save(position))
        {
            throw new UserError($"step {position.Step}", "trained but not saved (the warning above says why)", "a checkpoint at the end",
                $"Mend that and start again: the run goes on at step {saved.Step}");
        }

        lane.Mark(RecorderPhase.Leaving);
        return position;
    }

    /// <summary>Stands still, keeps the device's memory, and goes on marking, so that nobody takes it for a hang.</summary>
    void Hold(TrainingPosition position)
    {
        Tell(RunState.Held, position, control.HoldCommandId);
        while (control.HoldRequested && !control.StopRequested)
        {
            lane.Mark(RecorderPhase.Held);
            control.WaitForWish(HeldBeat);
            if (control.TakeCheckpointWish() is { } wish) SaveOnCommand(position, wish, resumeAs: RunState.Held);
        }

        if (!control.StopRequested) Tell(RunState.Running, position, control.ResumeCommandId);
        clock.Start(); // the time that it stood still is no step's
    }

    bool SaveOnCommand(TrainingPosition position, CheckpointWish wish, RunState resumeAs = RunState.Running)
    {
        Tell(RunState.Saving, position, wish.CommandId);
        var done = Save(position);
        Tell(resumeAs, position, wish.CommandId);
        clock.Start();
        return done;
    }

    void Tell(RunState state, TrainingPosition position, string? commandId = null) =>
        outlet.Write(new RunStateChanged { State = state, Step = position.Step, CommandId = commandId });

    /// <summary>The next batch. When its input is bad, the steps done so far are saved before the run ends with what was found.</summary>
    Batch Fetch(Prefetcher batches, TrainingPosition position, TrainingPosition saved)
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
            if (saved != position) Save(position);
            throw;
        }
    }

    TrainingPosition Step(TrainingPosition position, Batch batch, TimeSpan dataWait, long lastStep)
    {
        lane.SetSamples(batch.Videos);
        var rate = LearningRate.At(position.Step, config.Optimizer, TotalSteps, config.Compatibility.ScheduleRisesAgain);
        var next = position.Next(stepsPerEpoch);
        var report = next.Step % config.Telemetry.NDisplay == 0 || position.Step == 0 || next.EpochEndIsDue || next.Step == lastStep;
        var outcome = rank.Step(batch, rate, read: report);
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

        var values = new Dictionary<string, double> { [MetricCatalog.Loss] = loss.Total };
        void Add(string name, double? value)
        {
            if (value is { } number) values[name] = number;
        }

        Add(MetricCatalog.LossTextVideo, loss.TextVideo);
        Add(MetricCatalog.LossAudioText, loss.AudioText);
        Add(MetricCatalog.LossVideoAudio, loss.AudioVideo);
        Add(MetricCatalog.LossCluster, loss.Cluster);
        Add(MetricCatalog.LossReconstruction, loss.Reconstruction);
        Add(MetricCatalog.LearningRate, rate);
        Add(MetricCatalog.Samples, position.Step * (double)config.ClipsPerStep);
        Add(MetricCatalog.SamplesPerSecond, clock.TakeSamplesPerSecond());
        Add(MetricCatalog.StepDuration, clock.LastStep.TotalSeconds);
        Add(MetricCatalog.DataWait, dataWait.TotalSeconds);
        Add(MetricCatalog.HostToDevice, outcome.HostToDevice.TotalSeconds);
        Add(MetricCatalog.Forward, outcome.Forward.TotalSeconds);
        Add(MetricCatalog.Backward, outcome.Backward.TotalSeconds);
        Add(MetricCatalog.Optimizer, outcome.Optimizer.TotalSeconds);
        Add(MetricCatalog.KMeansIterations, rank.Clusters?.LastIterations);
        Add(MetricCatalog.KMeansEmptyClusters, rank.Clusters?.LastEmptyClusters);
        dataReport.AddTo(values);
        outlet.Write(new StepMetrics { Step = position.Step, Epoch = epoch, Values = values });
    }

    /// <summary>A checkpoint that cannot be written is an alarm, never the end of the run; the older ones stay.</summary>
    bool Save(TrainingPosition position)
    {
        try
        {
            lane.Mark(RecorderPhase.Checkpoint);
            outlet.Write(checkpoints.Save(rank, position));
            return true;
        }
        catch (UserError error)
        {
            outlet.Write(new Alert { Code = "checkpoint_failed", Text = error.Message });
            return false;
        }
    }
}
