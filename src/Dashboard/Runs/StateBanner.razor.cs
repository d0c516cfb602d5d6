using System.Globalization;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>The first answer: is it alive, how far is it.</summary>
public sealed partial class StateBanner
{
    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter, EditorRequired]
    public Freshness Freshness { get; set; }

    /// <summary>Since when the trainer has not been heard.</summary>
    [Parameter]
    public TimeSpan Silent { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }

    // Silence is not death: only a run that should be talking can be silent.
    bool IsSilent => View.IsLive && Freshness == Freshness.Gone;

    StateShape Shape => IsSilent ? StateShape.Silent : StateShape.Of(View.State?.State);

    string Epoch => View.Started is { } started
        ? $"{Show.Whole(Math.Min((View.Newest?.Epoch ?? (int)(View.Step / Math.Max(1, started.StepsPerEpoch))) + 1, started.Epochs))} / {Show.Whole(started.Epochs)}"
        : Show.Nothing;

    string Share(RunStarted started) => Math.Clamp(100.0 * View.Step / started.TotalSteps, 0, 100).ToString("0.##", CultureInfo.InvariantCulture);
}
