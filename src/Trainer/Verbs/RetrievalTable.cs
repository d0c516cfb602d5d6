using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Spectre.Console;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>A retrieval result as people read it: percent, with the 95 % interval of R@1, beside what others published.</summary>
static class RetrievalTable
{
    public static Table Of(EvaluationFinished evaluation)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("direction", "R@1 %", "95 %", "R@5 %", "R@10 %", "MedR", "mean rank");
        foreach (var row in evaluation.Rows)
        {
            var interval = row.Ci95["r1"];
            table.AddRow(
                row.Direction,
                Percent(row.R1),
                $"{Percent(interval[0])} - {Percent(interval[1])}",
                Percent(row.R5),
                Percent(row.R10),
                row.Medr.ToString("F1", CultureInfo.InvariantCulture),
                row.Meanr.ToString("F1", CultureInfo.InvariantCulture));
        }

        foreach (var row in PublishedFigures.For(evaluation.Set))
        {
            table.AddRow($"{row.Source} {row.Direction}", Published(row.R1), "", Published(row.R5), Published(row.R10), "", "");
        }

        return table;
    }

    /// <summary>Where the rows of others come from.</summary>
    public static IEnumerable<string> Notes(EvaluationFinished evaluation)
    {
        if (PublishedFigures.For(evaluation.Set).Any(row => row.Source == "lab"))
            yield return "paper: MCN, ICCV 2021. lab: two earlier runs of the lab with the original program.";
        if (PublishedFigures.For(evaluation.Set).Any(row => row.Source == "cited"))
            yield return $"cited: MCN's row as cited in {PublishedFigures.CitedIn}, not checked against the paper itself.";
        if (PublishedFigures.For(evaluation.Set).Any(row => row.Source == "paper") && evaluation.N != PublishedFigures.YouCook2Clips)
            yield return string.Create(CultureInfo.InvariantCulture, $"The paper's row is over {PublishedFigures.YouCook2Clips} clips, this set has {evaluation.N}: not comparable.");
    }

    /// <summary>What the table says about the network's branches (training notes §E1).</summary>
    public static IEnumerable<string> Warnings(EvaluationFinished evaluation)
    {
        if (RetrievalHealth.AudioIsDead(evaluation.Rows, evaluation.N))
        {
            yield return "text to audio is at chance while text to video is not: the audio branch is dead. Usual causes: the time axis was pooled over padding, "
                + "which is 0 dB, the loudest value, because the masking by frame counts was dropped (integer division on newer PyTorch); spectrograms of another "
                + "sampling rate or without dB; clips starting at 0 s emptied by frame -2; too few steps, or a schedule that never annealed; no_audio";
        }
        else if (RetrievalHealth.NothingIsLearnt(evaluation.Rows, evaluation.N))
        {
            yield return "text to video and text to audio are both at chance: these weights have learnt nothing about this set, or the input is wrong "
                + "(other word vectors, other features, an untrained checkpoint)";
        }
    }

    /// <summary>With three digits, as the sources print them.</summary>
    static string Published(double fraction) => (100 * fraction).ToString(fraction < 0.1 ? "F2" : "F1", CultureInfo.InvariantCulture);

    static string Percent(double fraction) => (100 * fraction).ToString("F1", CultureInfo.InvariantCulture);
}
