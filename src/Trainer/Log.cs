using System.Globalization;
using Serilog;
using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;

namespace Mcn.Web.Trainer;

/// <summary>
/// The daemon's log: console, rolling file in `trainer/logs`, and Seq when MCN_SEQ_URL names one (durable buffer of bounded size, so that
/// a Seq that is down costs nothing). Every line carries run, incarnation and step (<see cref="RunContext"/>).
/// </summary>
public static class Log
{
    const long FileBytes = 16 << 20;
    const int FilesKept = 8;

    // The sink cuts its buffer into files of 100 MiB and never deletes the two newest: less than two of them could not be kept.
    const long SeqBufferBytes = 200 << 20;

    const string Template = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff zzz} {Level:u3} {Message:lj}{place:l}{NewLine}{Exception}";

    /// <param name="sinkFailure">Told when a sink fails: a log that is lost must be seen elsewhere.</param>
    public static Logger Create(string folder, RunContext context, bool console, Action<string> sinkFailure)
    {
        SelfLog.Enable(sinkFailure);
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Information()
            .Enrich.With(context)
            .Enrich.WithProperty("program", "trainer")
            .WriteTo.File(Path.Combine(folder, "trainer-.log"), outputTemplate: Template, formatProvider: CultureInfo.InvariantCulture,
                rollingInterval: RollingInterval.Day, rollOnFileSizeLimit: true, fileSizeLimitBytes: FileBytes, retainedFileCountLimit: FilesKept);
        if (console) configuration.WriteTo.Console(outputTemplate: Template, formatProvider: CultureInfo.InvariantCulture);
        if (Environment.GetEnvironmentVariable("MCN_SEQ_URL") is { Length: > 0 } seq)
        {
            configuration.WriteTo.Seq(seq, apiKey: Environment.GetEnvironmentVariable("MCN_SEQ_API_KEY"),
                bufferBaseFilename: Path.Combine(folder, "seq"), bufferSizeLimitBytes: SeqBufferBytes, formatProvider: CultureInfo.InvariantCulture);
        }

        return configuration.CreateLogger();
    }
}

/// <summary>
/// What the log knows of the loaded run. Set by the supervisor, read by the sinks. Every line has the three properties; where there is
/// nothing to say they are null, and the text says so with a dash.
/// </summary>
public sealed class RunContext : ILogEventEnricher
{
    public string? Run { get; set; }

    public int? Incarnation { get; set; }

    public long? Step { get; set; }

    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("run", Run));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("incarnation", Incarnation));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("step", Step));
        // For the text outputs: one bracket instead of three braces that may be empty.
        var text = Value(logEvent, "run") is { } run ? $" [run {run} incarnation {Value(logEvent, "incarnation") ?? "-"} step {Value(logEvent, "step") ?? "-"}]" : " [no run]";
        logEvent.AddPropertyIfAbsent(new LogEventProperty("place", new ScalarValue(text)));
    }

    /// <summary>A logger for lines that concern this run, whichever is loaded.</summary>
    public static ILogger Of(ILogger log, string? run, int? incarnation = null, long? step = null) =>
        log.ForContext("run", run).ForContext("incarnation", incarnation).ForContext("step", step);

    static string? Value(LogEvent logEvent, string name) =>
        (logEvent.Properties[name] as ScalarValue)?.Value is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
}
