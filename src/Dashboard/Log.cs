using System.Globalization;
using Mcn.Web.Dashboard.Configuration;
using Serilog;
using Serilog.Debugging;
using Serilog.Events;

namespace Mcn.Web.Dashboard;

/// <summary>Where log lines go: the console, a rolling file and, when MCN_SEQ_URL names one, a Seq server. Every line says which run it concerns (<see cref="LogPlace"/>).</summary>
public static class Log
{
    const string ConsoleLine = "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj}{place:l}{NewLine}{Exception}";
    const string FileLine = "{Timestamp:yyyy-MM-ddTHH:mm:ss.fffzzz} {Level:u3} [{SourceContext}] {Message:lj}{place:l} {Properties:j}{NewLine}{Exception}";
    const long FileBytes = 20L << 20;

    // The sink cuts its buffer into files of 100 MiB and never deletes the two newest: less than two of them could not be kept.
    public const long SeqBufferBytes = 200L << 20;

    /// <summary>Trouble of the sinks themselves; the Settings page shows it. A lost log must not be lost silently.</summary>
    public static SinkTrouble Trouble { get; } = new();

    public static Serilog.ILogger Create(DashboardOptions options, DataFolder folder)
    {
        SelfLog.Enable(Trouble.Take);
        var logging = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", LogEventLevel.Warning)
            // It logs, with its trace, why it cannot start; Program says that in one line.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting", LogEventLevel.Fatal)
            // It warns that keys lie unencrypted in the folder: that is so, and the folder is its owner's only.
            .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
            .MinimumLevel.Override(typeof(Accounts.TrainerKeyHandler).FullName!, LogEventLevel.Warning)
            .Enrich.FromLogContext()
            .Enrich.With(LogPlace.None)
            .Enrich.WithProperty("program", "dashboard")
            .WriteTo.Console(outputTemplate: ConsoleLine, formatProvider: CultureInfo.InvariantCulture)
            .WriteTo.File(Path.Combine(folder.Logs, "dashboard-.log"), outputTemplate: FileLine, formatProvider: CultureInfo.InvariantCulture,
                rollingInterval: RollingInterval.Day, fileSizeLimitBytes: FileBytes, rollOnFileSizeLimit: true, retainedFileCountLimit: 14);
        if (options.SeqUrl is not null)
        {
            // Durable: what Seq has not taken waits on disk, at most SeqBufferBytes of it.
            logging.WriteTo.Seq(options.SeqUrl, apiKey: options.SeqApiKey, bufferBaseFilename: Path.Combine(folder.Logs, "seq"),
                bufferSizeLimitBytes: SeqBufferBytes, formatProvider: CultureInfo.InvariantCulture);
        }

        return logging.CreateLogger();
    }
}

/// <summary>What Serilog's sinks say about their own failures: counted, the newest kept, told on standard error.</summary>
public sealed class SinkTrouble
{
    long count;
    volatile string? newest;

    public long Count => Interlocked.Read(ref count);

    public string? Newest => newest;

    internal void Take(string text)
    {
        newest = text;
        // The first and then every hundredth: a dead server must not flood the console.
        if (Interlocked.Increment(ref count) % 100 == 1) Console.Error.WriteLine($"logging: {text}");
    }
}
