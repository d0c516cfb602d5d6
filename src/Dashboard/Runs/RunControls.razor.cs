using System.Security.Claims;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.Localization;
using MudBlazor;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>
/// The buttons. They show what the trainer has confirmed: "Holding…" stands until the run itself says that it is held, a
/// refusal with its reason, and after the deadline that nothing was answered.
/// </summary>
public sealed partial class RunControls
{
    static readonly DialogOptions Small = new() { MaxWidth = MaxWidth.Small, CloseOnEscapeKey = true };
    static readonly DialogOptions Wide = new() { MaxWidth = MaxWidth.Medium, FullWidth = true, CloseOnEscapeKey = true, CloseButton = true };

    /// <summary>How long what became of a command is told.</summary>
    static readonly TimeSpan Told = TimeSpan.FromSeconds(20);

    PendingCommand? pending;
    ClaimsPrincipal person = new();
    bool asksStop;
    bool starts;

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    [Parameter]
    public Trainer? Trainer { get; set; }

    [Parameter, EditorRequired]
    public Freshness Freshness { get; set; }

    [CascadingParameter]
    public required Task<AuthenticationState> Authentication { get; set; }

    [Inject]
    public required TrainerCommands Commands { get; set; }

    [Inject]
    public required IStringLocalizer<Words> Texts { get; set; }

    bool MayCommand => person.Allows(Policies.Operator);

    bool CanGive => WhyNot is null && pending is not { IsOpen: true, Progress: not CommandProgress.NoAnswer };

    string? WhyNot => !View.IsLive ? null
        : Trainer is null ? Texts["NotConnectedEver"].Value
        : Trainer.Connection is null ? Texts["NotConnected", Show.Span(Texts, Now - Trainer.LastHeard)].Value
        : null;

    string LossText
    {
        get
        {
            if (View.Checkpoint is not { } checkpoint) return Texts["StopLosesAll", Show.Whole(View.Step)];
            var lost = Math.Max(0, View.Step - checkpoint.Step);
            var seconds = lost * (View.SecondsPerStep ?? 0);
            return Texts["StopLoses", Show.Whole(checkpoint.Step), Show.Span(Texts, Now - checkpoint.Time), Show.Whole(lost), Show.Span(Texts, TimeSpan.FromSeconds(seconds))];
        }
    }

    protected override async Task OnInitializedAsync()
    {
        person = (await Authentication).User;
        Refresh();
        Listen(Commands.Viewers);
    }

    protected override void OnParametersSet() => Refresh();

    protected override void Refresh()
    {
        pending = Commands.Newest(View.Run.RunId);
        // What is over is told for a while; what is open for as long as it is.
        if (pending is { IsOpen: false } over && Now - over.Command.IssuedAt > Told) pending = null;
    }

    bool IsOpen(CommandVerb verb) => pending is { IsOpen: true } open && open.Command.Verb == verb;

    Task StopAsync(bool save)
    {
        asksStop = false;
        return GiveAsync((who, run) => Commands.StopAsync(who, run, save));
    }

    async Task GiveAsync(Func<ClaimsPrincipal, string, Task<PendingCommand>> give)
    {
        // Asked anew: the person of this circuit may have been changed since it began.
        person = (await Authentication).User;
        try
        {
            pending = await give(person, View.Run.RunId);
        }
        catch (UnauthorizedAccessException)
        {
            person = new ClaimsPrincipal();
        }
    }

    string Outcome(PendingCommand command)
    {
        var verb = Texts["Verb" + command.Command.Verb].Value;
        return command.Progress switch
        {
            CommandProgress.Sent => Texts["CommandSent", verb],
            CommandProgress.Accepted => Texts["CommandAccepted", verb],
            CommandProgress.Done => Texts["CommandDone", verb],
            CommandProgress.Refused => Texts["CommandRefused", verb, Reason(command)],
            CommandProgress.NoAnswer => Texts["CommandNoAnswer", verb, (int)TrainerCommands.AnswerWithin.TotalSeconds, Trainer is null ? Show.Nothing : Show.Span(Texts, Now - Trainer.LastHeard)],
            _ => Texts["CommandUndelivered", verb, Reason(command)],
        };
    }

    string Reason(PendingCommand command) => Texts["Answer_" + command.Code] is { ResourceNotFound: false } known ? $"{known.Value} ({command.Text})" : command.Text ?? "";
}
