using System.Security.Claims;
using System.Text.Json;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>Starts a run from the text of a configuration; the trainer checks it and answers with every mistake.</summary>
public sealed partial class StartRun
{
    string text = "";
    string? trainer;
    string? answer;
    bool refused;
    bool busy;

    /// <summary>To begin with: the configuration of the run that is cloned.</summary>
    [Parameter]
    public string? Configuration { get; set; }

    /// <summary>The run whose checkpoint the new one begins with; null: it begins at step 0.</summary>
    [Parameter]
    public string? BranchOf { get; set; }

    [Parameter]
    public long AtStep { get; set; }

    [Parameter]
    public EventCallback OnStarted { get; set; }

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required TrainerPresence Presence { get; set; }

    [Inject]
    public required TrainerCommands Commands { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    [Inject]
    public required IStringLocalizer<Words> Texts { get; set; }

    IReadOnlyList<Trainer> Trainers => [.. Presence.All.Where(one => one.Connection is not null)];

    protected override void OnInitialized()
    {
        text = Configuration ?? "";
        trainer = Trainers.Count > 0 ? Trainers[0].Id : null;
    }

    Task<PendingCommand> GiveAsync(ClaimsPrincipal person)
    {
        if (BranchOf is null) return Commands.StartAsync(person, trainer ?? Trainers[0].Id, text, Viewer.Address);
        var point = new BranchPoint(AtStep, text == Configuration ? null : text);
        return Commands.GiveAsync(person, CommandVerb.Branch, BranchOf, Viewer.Address, JsonSerializer.Serialize(point, McnJson.Default.BranchPoint));
    }

    async Task StartAsync()
    {
        busy = true;
        answer = null;
        try
        {
            var pending = await GiveAsync((await Authentication).User);
            refused = pending.Progress != CommandProgress.Done;
            answer = pending.Text ?? Texts[pending.Progress == CommandProgress.NoAnswer ? "StartNoAnswer" : "StartFailed"];
            if (!refused) await OnStarted.InvokeAsync();
        }
        catch (UnauthorizedAccessException)
        {
            (refused, answer) = (true, Texts["NotAllowed"].Value);
        }
        finally
        {
            busy = false;
        }
    }
}
