using System.Diagnostics;
using System.Text.Json.Nodes;
using Mcn.Web.Shared;

namespace Mcn.Web.Bench;

/// <summary>What a measured process said, and what it cost between its `begin` and `end` lines.</summary>
/// <param name="Result">The last line it printed.</param>
/// <param name="CpuSeconds">Of the process and its children.</param>
/// <param name="PeakPssBytes">Largest proportional memory of them together that was seen.</param>
sealed record Measured(JsonObject Result, double CpuSeconds, long PeakPssBytes);

/// <summary>
/// Runs one measurement in a process of its own, ours or a peer's, and watches it from outside by the same means. The process prints a
/// line `{"begin": true}` when it is warm, works, prints its result as one JSON line, and stays until its stdin closes.
/// </summary>
static class MeasuredProcess
{
    /// <summary>First argument of a child of this program; <see cref="BenchChildren"/> has the rest.</summary>
    public const string ChildFlag = "--child";

    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>This program again, with other arguments.</summary>
    public static Measured RunChild(params string[] arguments) => RunChild(new Dictionary<string, string>(), arguments);

    /// <summary>The same with variables on top of this program's own.</summary>
    public static Measured RunChild(IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Run(Environment.ProcessPath!, [typeof(MeasuredProcess).Assembly.Location, ChildFlag, .. arguments], environment);

    /// <summary>A Python script of bench/peers, by the system's Python (Debian's python3-torch is there).</summary>
    public static Measured RunPeer(string script, params string[] arguments) => Run("/usr/bin/python3", [$"bench/peers/{script}", .. arguments]);

    /// <summary>Whether the system's Python has torch.</summary>
    public static bool PeerIsAvailable()
    {
        if (!File.Exists("/usr/bin/python3")) return false;
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", "import torch, numpy"]) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    static Measured Run(string program, string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var ended = new ManualResetEventSlim();
        var peak = 0L;
        var watch = new Thread(() =>
        {
            do peak = Math.Max(peak, ProcessTree.PssBytes(process.Id));
            while (!ended.Wait(Interval));
        })
        { Name = "memory watch", IsBackground = true };
        watch.Start();
        try
        {
            JsonObject? result = null;
            var (cpuBefore, cpu) = (0.0, 0.0);
            while (result is null && process.StandardOutput.ReadLine() is { } line)
            {
                var said = JsonNode.Parse(line)!.AsObject();
                if (said.ContainsKey("begin")) cpuBefore = ProcessTree.CpuSeconds(process.Id);
                else (result, cpu) = (said, ProcessTree.CpuSeconds(process.Id) - cpuBefore);
            }

            ended.Set();
            watch.Join();
            process.StandardInput.Close();
            process.WaitForExit();
            return result is not null
                ? new Measured(result, cpu, peak)
                : throw new UserError($"{program} {string.Join(' ', arguments)}", $"exit code {process.ExitCode} and no result", "a measurement", "Its messages stand above");
        }
        finally
        {
            ended.Set();
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
