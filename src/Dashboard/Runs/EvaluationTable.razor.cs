using System.Globalization;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>Retrieval of the newest evaluations beside the paper's row.</summary>
public sealed partial class EvaluationTable
{
    [Inject]
    public required Microsoft.Extensions.Localization.IStringLocalizer<Mcn.Web.Dashboard.Resources.Words> Texts { get; set; }

    const int Shown = 6;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    string Direction(string code) => code.Split('2') is [var from, var to] ? $"{Texts["Modality_" + from]} → {Texts["Modality_" + to]}" : code;

    static string Figure(double share) => double.IsFinite(share) ? (share * 100).ToString("0.0", CultureInfo.CurrentCulture) : Show.Nothing;

    string? Interval(RetrievalRow row, string metric) => row.Ci95.TryGetValue(metric, out var ends) && ends.Length == 2 ? $"95 %: {Figure(ends[0])} – {Figure(ends[1])}" : null;
}
