using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>A run that has reached its end is shown, not trained again.</summary>
static class FinishedRun
{
    /// <summary>The last table of each evaluation set, and how the run ended.</summary>
    public static void Show(RunFolder folder, bool json)
    {
        var evaluations = new Dictionary<string, EvaluationFinished>();
        RunEnded? ended = null;
        RunStarted? started = null;
        foreach (var record in Directory.EnumerateFiles(folder.Journal, "*.journal").Order(StringComparer.Ordinal).SelectMany(JournalReader.Read))
        {
            switch (record)
            {
                case EvaluationFinished evaluation: evaluations[evaluation.File] = evaluation; break;
                case RunStarted start: started = start; break;
                case RunEnded end: ended = end; break;
                default: break;
            }
        }

        using ITrainingReport report = json ? new JsonReport(Console.Out) : new ConsoleReport();
        if (started is not null) report.Show(started);
        foreach (var evaluation in evaluations.Values) report.Show(evaluation);
        if (ended is not null) report.Show(ended);
        if (!json) Console.WriteLine("This run is finished; --new starts another.");
    }
}
