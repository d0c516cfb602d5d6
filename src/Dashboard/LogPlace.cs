using System.Globalization;
using Mcn.Web.Dashboard.Telemetry;
using Serilog.Context;
using Serilog.Core;
using Serilog.Events;

namespace Mcn.Web.Dashboard;

/// <summary>
/// The run that log lines concern, for as long as the answer of <see cref="Enter(string?, int?, long?)"/> is not disposed, on this flow of
/// calls. Every line has the three properties; where there is nothing to say they are null. The same names as the trainer's, so that one
/// search in Seq finds both programs' lines.
/// </summary>
sealed class LogPlace(string? run, int? incarnation, long? step) : ILogEventEnricher
{
    /// <summary>For lines that concern no run.</summary>
    public static LogPlace None { get; } = new(null, null, null);

    public static IDisposable Enter(string? run, int? incarnation = null, long? step = null) => LogContext.Push(new LogPlace(run, incarnation, step));

    /// <summary>A run as far as it is known here.</summary>
    public static IDisposable Enter(RunView? view) => view is null ? Enter(null, null) : Enter(view.Run.RunId, view.Started?.Id?.Incarnation, view.Step);

    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("run", run));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("incarnation", incarnation));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("step", step));
        var text = run is null ? " [no run]" : $" [run {run} incarnation {Or(incarnation)} step {Or(step)}]";
        logEvent.AddPropertyIfAbsent(new LogEventProperty("place", new ScalarValue(text)));
    }

    static string Or(IFormattable? number) => number?.ToString(null, CultureInfo.InvariantCulture) ?? "-";
}
