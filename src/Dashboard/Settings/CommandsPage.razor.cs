using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>The audit trail: who asked for what, and what became of it.</summary>
public sealed partial class CommandsPage
{
    const int Shown = 200;
    static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(2);

    IReadOnlyList<AuditRow> rows = [];
    DateTimeOffset read;
    long? forged;

    [Inject]
    public required AuditLog Audit { get; set; }

    [Inject]
    public required TrainerCommands Commands { get; set; }

    [Inject]
    public required RunCatalog Runs { get; set; }

    protected override void OnInitialized()
    {
        forged = Audit.FirstForged();
        Refresh();
        Listen(Commands.Viewers);
        Listen(Runs.Viewers);
    }

    protected override void Refresh()
    {
        if (Now - read < ReadEvery) return;
        read = Now;
        rows = Audit.Newest(Shown);
    }
}
