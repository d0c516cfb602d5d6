using System.Security.Claims;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>A part of a page with which people ask something of a run: who looks at it, whether this person may, and how it is given.</summary>
public abstract class CommandPart : LivePart
{
    ClaimsPrincipal person = new();

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required TrainerCommands Commands { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    [Inject]
    public required IStringLocalizer<Words> Texts { get; set; }

    protected bool MayCommand => person.Allows(Policies.Operator);

    protected override async Task OnInitializedAsync() => person = (await Authentication).User;

    /// <summary>Gives a command for the run.</summary>
    /// <returns>Null: the person may not (any more).</returns>
    protected Task<PendingCommand?> AskAsync(CommandVerb verb, string? argument = null) =>
        AskAsync(who => Commands.GiveAsync(who, verb, View.Run.RunId, Viewer.Address, argument));

    /// <summary>The same in another way.</summary>
    protected async Task<PendingCommand?> AskAsync(Func<ClaimsPrincipal, Task<PendingCommand>> give)
    {
        // Asked anew: the person of this circuit may have been changed since it began.
        person = (await Authentication).User;
        try
        {
            return await give(person);
        }
        catch (UnauthorizedAccessException)
        {
            person = new ClaimsPrincipal();
            return null;
        }
    }

    /// <summary>Why the trainer will not do it; null: it will, or has not said.</summary>
    protected string? RefusalOf(PendingCommand? pending) =>
        pending is { Progress: CommandProgress.Refused } ? $"{Texts["Answer_" + pending.Code].Value} ({pending.Text})" : null;
}
