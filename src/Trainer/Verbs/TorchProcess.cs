using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Trainer.Host.Checks;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>Runs <see cref="TorchTrial"/> as a process with a worker's environment, to its end or to a deadline; whatever it dies of is in the reading.</summary>
static class TorchProcess
{
    const int MostLines = 1000; // a library that floods must not fill our memory

    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    static readonly TimeSpan DeadlineOfBoards = TimeSpan.FromSeconds(180); // eight contexts, the first of which may compile kernels

    /// <summary>What the doctor must grant: the deadline, and the end of a process that does not want to die.</summary>
    public static readonly TimeSpan Longest = DeadlineOfBoards + TimeSpan.FromSeconds(20);

    /// <param name="gpu">On every GPU too.</param>
    public static TorchReading Run(bool gpu)
    {
        var command = SupervisorOptions.DefaultWorkerCommand();
        var start = new ProcessStartInfo(command[0], [.. command.Skip(1), "doctor", DoctorVerb.ChildOption, .. gpu ? ["--gpu"] : Array.Empty<string>()])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in WorkerEnvironment.Create()) start.Environment[name] = value;
        return Run(start, gpu ? DeadlineOfBoards : Deadline);
    }

    internal static TorchReading Run(ProcessStartInfo start, TimeSpan deadline)
    {
        var (output, errors) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        using var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var ended = process.WaitForExit(deadline);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
            _ = process.WaitForExit(TimeSpan.FromSeconds(5)); // in a driver's call it may be deaf to that, too
        }
        else
        {
            process.WaitForExit(); // for its last lines
        }

        var last = errors.LastOrDefault(line => line.Trim().Length > 0);
        return Read(output, ended ? End(process.ExitCode) : string.Create(CultureInfo.InvariantCulture, $"no end within {deadline.TotalSeconds:0.#} s"), last);
    }

    /// <param name="end">How it ended; null: with exit code 0.</param>
    internal static TorchReading Read(IEnumerable<string> output, string? end, string? lastWords)
    {
        var lines = output.Select(Parse).OfType<JsonObject>().ToList();
        var loaded = lines.FirstOrDefault(line => line["libtorch"] is not null);
        var results = lines.Where(line => line["device"] is not null).GroupBy(line => (string)line["device"]!).Select(same => same.Last())
            .Select(line => new TorchResult((string)line["device"]!, (bool)line["done"]!, (string?)line["error"], (double?)line["milliseconds"] ?? 0));
        return new TorchReading((string?)loaded?["libtorch"], (int?)loaded?["devices"] ?? 0, [.. results], end is null ? null : end + (lastWords is null ? "" : $": {lastWords.Trim()}"));
    }

    static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is null) return;
        lines.Enqueue(line);
        if (lines.Count > MostLines) lines.TryDequeue(out _);
    }

    /// <summary>Something else may have printed a line among ours.</summary>
    static JsonNode? Parse(string line)
    {
        try
        {
            return line.StartsWith('{') ? JsonNode.Parse(line) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // .NET gives 128 + signal, as a shell does.
    static string? End(int code) => code switch
    {
        0 => null,
        > 128 and < 160 => string.Create(CultureInfo.InvariantCulture, $"the process died of {SignalNames.Of(code - 128)} (exit code {code})"),
        _ => string.Create(CultureInfo.InvariantCulture, $"the process ended with exit code {code}"),
    };
}
