using System.Globalization;
using System.Text.Json;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>
/// What the trainer lets one turn while it trains. Shown is what the run has confirmed; a change is refused when somebody else was faster.
/// </summary>
public sealed partial class KnobPanel
{
    readonly Dictionary<string, string?> wanted = [];
    string? said;

    bool MayTurn => View.IsLive && MayCommand;

    public static string WordOf(IStringLocalizer<Words> texts, string knob) => texts["Knob_" + knob] is { ResourceNotFound: false } word ? word.Value : knob;

    static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>What was typed, where the knob takes it and is not at it already.</summary>
    double? Value(LiveKnob knob) => double.TryParse(wanted.GetValueOrDefault(knob.Name), CultureInfo.InvariantCulture, out var value) && knob.Refusal(value) is null && value != knob.Value ? value : null;

    async Task TurnAsync(LiveKnob knob)
    {
        if (Value(knob) is not { } value) return;
        var change = JsonSerializer.Serialize(new KnobChange(knob.Name, value, knob.Value), McnJson.Default.KnobChange);
        if (await AskAsync(CommandVerb.Set, change) is not { } pending) return;
        said = RefusalOf(pending);
        if (said is null) wanted.Remove(knob.Name);
    }
}
