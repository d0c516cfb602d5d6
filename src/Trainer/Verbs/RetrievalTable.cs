using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Spectre.Console;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>A retrieval result as people read it: percent, with the 95 % interval of R@1.</summary>
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

        return table;
    }

    static string Percent(double fraction) => (100 * fraction).ToString("F1", CultureInfo.InvariantCulture);
}
