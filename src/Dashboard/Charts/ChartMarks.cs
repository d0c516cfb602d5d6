using System.Globalization;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Runs;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Charts;

/// <summary>A moment that explains a curve: a vertical line with a sign on it.</summary>
/// <param name="X">Step, or Unix seconds.</param>
/// <param name="Sign">A shape or a figure: there is no room for more.</param>
/// <param name="Text">What happened, for those who point at it.</param>
public sealed record ChartMark(double X, string Sign, string Text);

/// <summary>The moments of a run that its charts mark: knobs turned, holds, releases, steps redone for want of memory, processes that went on, deaths. Pure.</summary>
public static class ChartMarks
{
    /// <summary>More lines than this hide what they explain; the newest stay.</summary>
    public const int Most = 60;

    public static IReadOnlyList<ChartMark> Of(IStringLocalizer<Words> texts, RunView view, bool bySteps) =>
        [.. view.Events.Select(record => Of(texts, record, bySteps)).OfType<ChartMark>().TakeLast(Most)];

    static ChartMark? Of(IStringLocalizer<Words> texts, TelemetryRecord record, bool bySteps)
    {
        (string Sign, long? Step)? mark = record switch
        {
            KnobChanged turned => (string.Create(CultureInfo.InvariantCulture, $"{(turned.Name == Shared.Commands.LiveKnob.LearningRateScale ? "×" : "=")}{turned.Value:0.####}"), turned.Step),
            RunStateChanged { State: RunState.Held or RunState.Released or RunState.Crashed } told => (StateShape.Of(told.State).Shape, told.Step),
            RunStarted { FromStep: > 0 } started => ("▸", started.FromStep),
            Alert { Code: "micro_batch_halved" } halved => ("½", long.TryParse(halved.Parameters.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out var at) ? at : null),
            _ => null,
        };
        if (mark is not var (sign, step) || (bySteps && step is null)) return null;
        return new ChartMark(bySteps ? step!.Value : record.Time.ToUnixTimeMilliseconds() / 1000.0, sign, EventText.Of(texts, record));
    }
}
