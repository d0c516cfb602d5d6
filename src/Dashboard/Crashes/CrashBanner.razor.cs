using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>The newest crash, in a sentence.</summary>
public sealed partial class CrashBanner
{
    static readonly TimeSpan ShownFor = TimeSpan.FromHours(1);

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }

    /// <summary>Another process has gone on after it.</summary>
    bool IsPast => Crash is { } crash && View.State?.State != RunState.Crashed && View.Started?.Time > crash.Time;

    // A run that goes on after a crash keeps the notice for an hour: nobody watches all night.
    CrashSummary? Crash => View.Crashes is [.., var last] && (View.State?.State == RunState.Crashed || Now - last.Time < ShownFor) ? last : null;
}
