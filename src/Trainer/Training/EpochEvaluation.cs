using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>Retrieval on every evaluation set at the end of an epoch, when it is due.</summary>
public sealed class EpochEvaluation(RunConfig config, TrainingData data, ReplicaTeam team, TelemetryOutlet outlet)
{
    const string Direction = "t2va";

    /// <summary>What the last call of <see cref="Run"/> gave: mean of R@1, R@5 and R@10, text to video and audio, over all sets; null: nothing was evaluated.</summary>
    public double? Metric { get; private set; }

    /// <summary>Evaluates and closes the epoch; a stop leaves it open, so that it is done when the run goes on.</summary>
    public TrainingPosition Run(TrainingPosition position, bool isLast, RunControl control)
    {
        Metric = null;
        if (!isLast && position.Epoch % config.Evaluation.EveryEpochs != 0) return position.CloseEpoch();
        if (EvaluateAll(position, control, null) is not { } metrics) return position;
        if (metrics.Count > 0) Metric = metrics.Average();
        return position.CloseEpoch();
    }

    /// <summary>Evaluates at any step boundary because somebody asked; changes nothing of the run.</summary>
    /// <returns>False: left in the middle, for a stop or a release.</returns>
    public bool RunNow(TrainingPosition position, RunControl control, string? commandId) => EvaluateAll(position, control, commandId) is not null;

    List<double>? EvaluateAll(TrainingPosition position, RunControl control, string? commandId)
    {
        List<double> metrics = [];
        foreach (var set in data.EvaluationSets)
        {
            if (control.InterruptsEvaluation) return null;
            var began = Stopwatch.GetTimestamp();
            var rows = Evaluate(set, control);
            if (rows is null) return null;
            metrics.AddRange(rows.Where(row => row.Direction == Direction).Select(row => (row.R1 + row.R5 + row.R10) / 3));
            outlet.Write(new EvaluationFinished
            {
                Step = position.Step,
                Epoch = position.Epoch,
                File = Path.GetFileName(set.File),
                N = set.Denominator,
                Set = set.Kind,
                Rows = rows,
                DurationSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
                CommandId = commandId,
            });
        }

        return metrics;
    }

    /// <summary>Null: told to stop in the middle; a large set takes minutes, a grace period does not wait for them.</summary>
    IReadOnlyList<RetrievalRow>? Evaluate(RetrievalSet set, RunControl control)
    {
        try
        {
            return RetrievalEvaluator.Evaluate(EvaluationSettings.Of(config), set, data.Vocabulary, batch =>
                control.InterruptsEvaluation ? throw new OperationCanceledException() : team.Lead.EncodeForEvaluation(team.Lead.ToDevice(HostClips.From(batch))));
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
