using System.Globalization;
using Serilog;
using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;

namespace Mcn.Web.Trainer;

/// <summary>
/// The daemon's log: console, rolling file in `trainer/logs`, and Seq when MCN_SEQ_URL names one (durable buffer of bounded size, so that
/// a Seq that is down costs nothing). Every line carries run, step and incarnation where they are known.
/// </summary>
public static class Log
{
    const long FileBytes = 16 << 20;
    const int FilesKept = 8;
    const long SeqBufferBytes = 64 << 20;
    const string Template = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff zzz} {Level:u3} {Message:lj}{Context:l}{NewLine}{Exception}";

    /// <param name="sinkFailure">Told when a sink fails: a log that is lost must be seen elsewhere.</param>
    public static Logger Create(string folder, RunContext context, bool console, Action<string> sinkFailure)
    {
        SelfLog.Enable(sinkFailure);
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Information()
            .Enrich.With(context)
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

/// <summary>What the log knows of the loaded run. Set by the supervisor, read by the sinks.</summary>
public sealed class RunContext : ILogEventEnricher
{
    public string? Run { get; set; }

    public int? Incarnation { get; set; }

    public long? Step { get; set; }

    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        if (Run is not { } run) return;
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("run", run));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("incarnation", Incarnation));
        logEvent.AddPropertyIfAbsent(propertyFactory.CreateProperty("step", Step));
        // For the text outputs: one bracket instead of three braces that may be empty.
        var text = FormattableString.Invariant($" [run {run} incarnation {Incarnation} step {Step}]");
        logEvent.AddPropertyIfAbsent(new LogEventProperty("Context", new ScalarValue(text)));
    }
}
