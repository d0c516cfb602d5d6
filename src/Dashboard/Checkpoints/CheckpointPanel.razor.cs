using System.Security.Claims;
using System.Text.Json;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Runs;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.Localization;
using MudBlazor;

namespace Mcn.Web.Dashboard.Checkpoints;

/// <summary>What the run can be gone on with: kept why, to be pinned, branched off from, downloaded.</summary>
public sealed partial class CheckpointPanel
{
    static readonly DialogOptions Wide = new() { MaxWidth = MaxWidth.Medium, FullWidth = true, CloseOnEscapeKey = true, CloseButton = true };

    ClaimsPrincipal person = new();
    KeptCheckpoint? branchFrom;
    string? said;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter]
    public Trainer? Trainer { get; set; }

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required TrainerCommands Commands { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    [Inject]
    public required NavigationManager Navigation { get; set; }

    [Inject]
    public required IStringLocalizer<Words> Texts { get; set; }

    /// <summary>Newest first.</summary>
    IReadOnlyList<KeptCheckpoint> Kept => [.. View.Checkpoints.Kept.Reverse()];

    bool MayCommand => person.Allows(Policies.Operator);

    /// <summary>The rules of retention run for this one only; what is not loaded loses nothing.</summary>
    bool IsLoaded => Trainer?.Beat?.RunId == View.Run.RunId;

    protected override async Task OnInitializedAsync() => person = (await Authentication).User;

    static bool IsPinned(KeptCheckpoint one) => one.KeptBy.Contains("pinned");

    string Rules(KeptCheckpoint one) => one.KeptBy.Count == 0 ? Texts["KeptBy_none"] : string.Join(", ", one.KeptBy.Select(rule => Texts["KeptBy_" + rule].Value));

    async Task PinAsync(KeptCheckpoint one)
    {
        person = (await Authentication).User;
        try
        {
            var pin = JsonSerializer.Serialize(new CheckpointPin(one.Step, !IsPinned(one)), McnJson.Default.CheckpointPin);
            var pending = await Commands.GiveAsync(person, CommandVerb.Pin, View.Run.RunId, Viewer.Address, pin);
            said = pending.Progress == CommandProgress.Refused ? $"{Texts["Answer_" + pending.Code].Value} ({pending.Text})" : null;
        }
        catch (UnauthorizedAccessException)
        {
            person = new ClaimsPrincipal();
        }
    }

    /// <summary>The page Now shows the newest run: the branch.</summary>
    void Branched()
    {
        branchFrom = null;
        Navigation.NavigateTo("");
    }
}
