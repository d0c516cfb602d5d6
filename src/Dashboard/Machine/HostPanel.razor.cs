using Mcn.Web.Dashboard.Alerts;
using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Machine;

/// <summary>Memory, disks and quotas of the machine.</summary>
public sealed partial class HostPanel
{
    [Inject]
    public required Microsoft.Extensions.Localization.IStringLocalizer<Mcn.Web.Dashboard.Resources.Words> Texts { get; set; }

    static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(30);

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter, EditorRequired]
    public DateTimeOffset Now { get; set; }

    string Purpose(string codes) => AlertText.Purposes(Texts, codes);
}
