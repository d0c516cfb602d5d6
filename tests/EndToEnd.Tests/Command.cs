using System.Diagnostics;
using System.Text;
using Mcn.Web.TestKit;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>`./mcn VERB …` as a person runs it: a real process of the clone.</summary>
public sealed class Command : IDisposable
{
    readonly Process process;
    readonly StringBuilder errors = new();
    readonly StringBuilder output = new();
    readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Seen)> waiting = [];

    Command(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? program = null)
    {
        // The script ends in exec: the process that gets a signal is the program.
        process = new Process
        {
            StartInfo = new ProcessStartInfo(program ?? Repository.File("mcn"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) process.StartInfo.Environment[name] = value;
        process.OutputDataReceived += (_, line) => Received(output, line.Data);
        process.ErrorDataReceived += (_, line) => Received(errors, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static Command Start(params string[] arguments) => new(arguments);

    public static Command Start(IReadOnlyDictionary<string, string> environment, params string[] arguments) => new(arguments, environment);

    /// <summary>Another program than ours.</summary>
    public static Command Program(string program, params string[] arguments) => new(arguments, null, program);

    /// <summary>Runs to the end.</summary>
    public static async Task<Result> Run(params string[] arguments)
    {
        using var command = new Command(arguments);
        return await command.End(TimeSpan.FromMinutes(5));
    }

    public int Id => process.Id;

    /// <summary>The first line that satisfies the condition, whenever it came.</summary>
    public async Task<string> Line(Func<string, bool> wanted, TimeSpan limit)
    {
        TaskCompletionSource<string> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (waiting)
        {
            if (output.ToString().Split('\n').FirstOrDefault(line => line.Length > 0 && wanted(line)) is { } already) return already;
            waiting.Add((wanted, seen));
        }

        try
        {
            return await seen.Task.WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            lock (waiting) throw new TimeoutException($"Not seen within {limit}. Output:\n{output}\nErrors:\n{errors}");
        }
    }

    /// <summary>Sends a signal by name, as `kill -NAME`.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    public async Task<Result> End(TimeSpan limit)
    {
        using var expiry = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(expiry.Token);
        }
        catch (OperationCanceledException)
        {
            lock (waiting) throw new TimeoutException($"Still running after {limit}. Output:\n{output}\nErrors:\n{errors}");
        }

        lock (waiting) return new Result(process.ExitCode, output.ToString(), errors.ToString());
    }

    void Received(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (waiting)
        {
            text.Append(line).Append('\n');
            foreach (var (wanted, seen) in waiting)
                if (wanted(line)) seen.TrySetResult(line);
        }
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    public sealed record Result(int ExitCode, string Output, string Errors)
    {
        public IEnumerable<string> Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
