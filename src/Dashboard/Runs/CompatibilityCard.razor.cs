using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>Which faults and habits of the original this run has on: the resolved section `compatibility`, as the trainer recorded it.</summary>
public sealed partial class CompatibilityCard
{
    [Inject]
    public required Microsoft.Extensions.Localization.IStringLocalizer<Mcn.Web.Dashboard.Resources.Words> Texts { get; set; }

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    // A newer trainer may have a switch that this page has no words for.
    string Meaning(string name) => Texts["Fault_" + name] is { ResourceNotFound: false } text ? text.Value : "";
}
