using System.Diagnostics;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Evaluation;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>Retrieval on every evaluation set at the end of an epoch, when it is due.</summary>
public sealed class EpochEvaluation(RunConfig config, TrainingData data, GpuRank rank, TelemetryOutlet outlet)
{
    /// <summary>Evaluates and closes the epoch; a stop leaves it open, so that it is done when the run goes on.</summary>
    public TrainingPosition Run(TrainingPosition position, bool isLast, RunControl control)
    {
        if (!isLast && position.Epoch % config.Evaluation.EveryEpochs != 0) return position.CloseEpoch();
        foreach (var set in data.EvaluationSets)
        {
            if (control.StopRequested) return position;
            var began = Stopwatch.GetTimestamp();
            var rows = RetrievalEvaluator.Evaluate(EvaluationSettings.Of(config), set, data.Vocabulary, batch => rank.EncodeForEvaluation(rank.ToDevice(HostClips.From(batch))));
            outlet.Write(new EvaluationFinished
            {
                Step = position.Step,
                Epoch = position.Epoch,
                File = Path.GetFileName(set.File),
                N = set.Denominator,
                Set = set.Kind,
                Rows = rows,
                DurationSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            });
        }

        return position.CloseEpoch();
    }
}
