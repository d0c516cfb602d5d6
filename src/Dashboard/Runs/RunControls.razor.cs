using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;
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
    DesiredState? desired;
    string? desiredOf;
    bool asksStop;
    bool asksRelease;
    bool starts;

    [Parameter]
    public Trainer? Trainer { get; set; }

    [Parameter, EditorRequired]
    public Freshness Freshness { get; set; }

    /// <summary>Not the same twice; another one may supersede what is open: who waits for a step boundary must be able to stop.</summary>
    bool CanGive(params CommandVerb[] verbs) => Trainer is not null && !Array.Exists(verbs, verb => pending is { IsOpen: true, Progress: not CommandProgress.NoAnswer } open && open.Command.Verb == verb);

    /// <summary>What becomes of a command that is given now, where that is not the usual.</summary>
    string? Delivery => !View.IsLive && !CanGoOn ? null
        : Trainer is null ? Texts["NotConnectedEver"].Value
        : Trainer.Connection is null ? Texts["NotConnected", Show.Span(Texts, Now - Trainer.LastHeard), Show.Span(Texts, TrainerCommands.Valid)].Value
        : null;

    RunState? State => View.State?.State;

    /// <summary>No worker lives, and its trainer has this run loaded or no other to keep: resume starts one.</summary>
    bool CanGoOn => State is RunState.Released or RunState.Stopped or RunState.Crashed && Trainer?.Beat is { } beat
        && (beat.RunId == View.Run.RunId || beat.Target is RunTarget.Released or RunTarget.Stopped or null);

    /// <summary>The wish, where the run is not yet what it is meant to be.</summary>
    string? Wish => desired is { } wish && pending is { IsOpen: true } && !IsReached(wish.Target)
        ? Texts["WishedFor", Texts["Target" + wish.Target].Value, wish.SetBy, Show.Span(Texts, Now - wish.SetAt), wish.Generation, Texts[StateShape.Of(State).Word].Value].Value : null;

    bool IsReached(RunTarget target) => (target, State) is (RunTarget.Running, RunState.Running or RunState.Finished) or (RunTarget.Held, RunState.Held)
        or (RunTarget.Released, RunState.Released) or (RunTarget.Stopped, RunState.Stopped or RunState.Finished);

    /// <summary>What a click does, in figures that were measured on this run.</summary>
    string Consequences
    {
        get
        {
            var last = View.Checkpoint is { } checkpoint ? Texts["ConsequenceLast", Show.Whole(checkpoint.Step), Show.Span(Texts, Now - checkpoint.Time)].Value : Texts["ConsequenceNone"].Value;
            // Those that it trains on, of however many the machine has.
            var frees = View.Started?.Device.Split(", ").Count(device => device.StartsWith("cuda", StringComparison.Ordinal)) is > 0 and var count ? Texts["ConsequenceGpus", count].Value : Texts["ConsequenceHost"].Value;
            var takes = View.Checkpoint is { } measured ? Texts["ConsequenceTime", Show.Span(Texts, TimeSpan.FromSeconds(Math.Ceiling(measured.DurationSeconds + (View.SecondsPerStep ?? 0))))].Value : "";
            return Texts["ConsequenceOfRelease", last, frees, takes];
        }
    }

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
        await base.OnInitializedAsync();
        Refresh();
        Listen(Commands.Viewers);
    }

    protected override void OnParametersSet() => Refresh();

    protected override void Refresh()
    {
        pending = Commands.Newest(View.Run.RunId);
        // The wish changes with commands only: it is read when there is another one.
        if (pending?.Command.CommandId != desiredOf) (desired, desiredOf) = (Commands.Desired(View.Run.RunId), pending?.Command.CommandId);
        // What is over is told for a while; what is open for as long as it is.
        if (pending is { IsOpen: false } over && Now - over.Changed > Told) pending = null;
    }

    bool IsOpen(CommandVerb verb) => pending is { IsOpen: true } open && open.Command.Verb == verb;

    Task StopAsync(bool save)
    {
        asksStop = false;
        return GiveAsync(save ? CommandVerb.Stop : CommandVerb.StopWithoutSaving);
    }

    Task ReleaseAsync()
    {
        asksRelease = false;
        return GiveAsync(CommandVerb.Release);
    }

    async Task GiveAsync(CommandVerb verb) => pending = await AskAsync(verb) ?? pending;

    async Task WithdrawAsync(PendingCommand command) => pending = await AskAsync(async who =>
    {
        await Commands.WithdrawAsync(who, command.Command.CommandId);
        return Commands.Newest(View.Run.RunId) ?? command;
    }) ?? pending;

    string Outcome(PendingCommand command)
    {
        var verb = Texts["Verb" + command.Command.Verb].Value;
        return command.Progress switch
        {
            CommandProgress.Waiting => Texts["CommandWaiting", verb, Show.Span(Texts, command.NotAfter - Now)],
            CommandProgress.Sent => Texts["CommandSent", verb],
            CommandProgress.Accepted => Texts["CommandAccepted", verb, Show.Span(Texts, Now - command.Changed), Doing],
            CommandProgress.Done => Texts["CommandDone", verb],
            CommandProgress.NoAnswer => Texts["CommandNoAnswer", verb, (int)TrainerCommands.AnswerWithin.TotalSeconds * TrainerCommands.Attempts, Trainer is null ? Show.Nothing : Show.Span(Texts, Now - Trainer.LastHeard)],
            CommandProgress.Refused => Texts["CommandRefused", verb, Reason(command)],
            _ => Texts["CommandEndedOtherwise", verb, Texts["Progress" + command.Progress].Value, Reason(command)],
        };
    }

    /// <summary>What an accepted command waits for.</summary>
    string Doing => State switch
    {
        RunState.Saving or RunState.Releasing or RunState.Stopping or RunState.Resuming or RunState.Starting => Texts[StateShape.Of(State).Word],
        _ => Texts["WaitsForBoundary", View.SecondsPerStep is { } seconds ? Show.Figure(seconds) : Show.Nothing],
    };

    string Reason(PendingCommand command) =>
        Texts["Answer_" + command.Code] is { ResourceNotFound: false } known ? command.Text is { Length: > 0 } text ? $"{known.Value} ({text})" : known.Value : command.Text ?? "";
}
