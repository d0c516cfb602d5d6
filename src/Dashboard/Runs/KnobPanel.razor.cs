using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using Mcn.Web.Dashboard.Accounts;
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

/// <summary>
/// What the trainer lets one turn while it trains. Shown is what the run has confirmed; a change is refused when somebody else was faster.
/// </summary>
public sealed partial class KnobPanel
{
    readonly Dictionary<string, string?> wanted = [];
    ClaimsPrincipal person = new();
    string? said;

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

    bool MayTurn => View.IsLive && person.Allows(Policies.Operator);

    protected override async Task OnInitializedAsync() => person = (await Authentication).User;

    public static string WordOf(IStringLocalizer<Words> texts, string knob) => texts["Knob_" + knob] is { ResourceNotFound: false } word ? word.Value : knob;

    static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>What was typed, where the knob takes it and is not at it already.</summary>
    double? Value(LiveKnob knob) => double.TryParse(wanted.GetValueOrDefault(knob.Name), CultureInfo.InvariantCulture, out var value) && knob.Refusal(value) is null && value != knob.Value ? value : null;

    async Task TurnAsync(LiveKnob knob)
    {
        if (Value(knob) is not { } value) return;
        person = (await Authentication).User;
        try
        {
            var change = JsonSerializer.Serialize(new KnobChange(knob.Name, value, knob.Value), McnJson.Default.KnobChange);
            var pending = await Commands.GiveAsync(person, CommandVerb.Set, View.Run.RunId, Viewer.Address, change);
            said = pending.Progress == CommandProgress.Refused ? $"{Texts["Answer_" + pending.Code].Value} ({pending.Text})" : null;
            if (said is null) wanted.Remove(knob.Name);
        }
        catch (UnauthorizedAccessException)
        {
            person = new ClaimsPrincipal();
        }
    }
}
