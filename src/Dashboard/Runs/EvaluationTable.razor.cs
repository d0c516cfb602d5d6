using System.Globalization;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>
/// Retrieval of the newest evaluations with their intervals, beside what others published on the same set, and what it says about the
/// audio branch.
/// </summary>
public sealed partial class EvaluationTable
{
    [Inject]
    public required Microsoft.Extensions.Localization.IStringLocalizer<Mcn.Web.Dashboard.Resources.Words> Texts { get; set; }

    const int Most = 6;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    IEnumerable<EvaluationFinished> Shown => View.Evaluations.Reverse().Take(Most);

    IEnumerable<EvaluationFinished> NewestOfEachSet => Shown.DistinctBy(evaluation => evaluation.File);

    /// <summary>A phone has room for the newest of each set.</summary>
    bool IsOlder(EvaluationFinished evaluation) => !NewestOfEachSet.Contains(evaluation);

    IEnumerable<(string Set, PublishedRow Row)> Published => Shown.Select(evaluation => evaluation.Set).OfType<string>().Distinct()
        .SelectMany(set => PublishedFigures.For(set).Select(row => (set, row)));

    string? Warning(EvaluationFinished evaluation) =>
        RetrievalHealth.AudioIsDead(evaluation.Rows, evaluation.N) ? Texts["AudioDead", evaluation.File].Value
        : RetrievalHealth.NothingIsLearnt(evaluation.Rows, evaluation.N) ? Texts["NothingLearnt", evaluation.File].Value : null;

    string Direction(string code) => code.Split('2') is [var from, var to] ? $"{Texts["Modality_" + from]} → {Texts["Modality_" + to]}" : code;

    static string Figure(double share) => double.IsFinite(share) ? (share * 100).ToString("0.0", CultureInfo.CurrentCulture) : Show.Nothing;

    /// <summary>Three digits, as the sources print them.</summary>
    static string Printed(double share) => (share * 100).ToString(share < 0.1 ? "0.00" : "0.0", CultureInfo.CurrentCulture);

    static MarkupString Interval(RetrievalRow row, string metric) => row.Ci95.TryGetValue(metric, out var ends) && ends.Length == 2
        ? (MarkupString)$"<span class=\"interval\">{Figure(ends[0])}–{Figure(ends[1])}</span>" : default;
}
