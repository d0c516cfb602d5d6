using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Microsoft.Win32.SafeHandles;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// One worker: started, spoken to, waited for, ended. Three plain threads (stdout, stderr, wait) serve it and end with it. The supervisor
/// owns it; any thread may send or signal.
/// </summary>
public sealed class WorkerProcess : IDisposable
{
    const int TailBytes = 64 * 1024;

    /// <summary>A line is cut here: one without an end must not fill the memory.</summary>
    const int LongestLine = 8 * 1024;

    // A grandchild may hold the pipes open after the worker's death.
    static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(2);

    readonly object gate = new();
    readonly FileStream input;
    readonly TextTail errorTail = new(TailBytes);
    readonly Action<string, string> line;
    readonly TaskCompletionSource<WorkerEnd> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly CountdownEvent drained = new(2);
    bool reaped;

    WorkerProcess(NativeSpawn.Child child, Action<string, string> line)
    {
        ProcessId = child.ProcessId;
        this.line = line;
        input = new FileStream(new SafeFileHandle(child.Input, ownsHandle: true), FileAccess.Write, bufferSize: 0);
        StartThread("worker stdout", () => Pump(child.Output, "stdout"));
        StartThread("worker stderr", () => Pump(child.Error, "stderr"));
        StartThread("worker wait", Wait);
    }

    public int ProcessId { get; }

    /// <summary>Completes when the process is dead and its last output is read.</summary>
    public Task<WorkerEnd> Ended => ended.Task;

    /// <summary>The last 64 KiB of stderr: CUDA and glibc print there.</summary>
    public IReadOnlyList<string> ErrorTail => errorTail.Lines();

    /// <param name="command">Program and arguments.</param>
    /// <param name="environment">The whole environment.</param>
    /// <param name="line">Called with (`stdout` or `stderr`, line) on the reading threads.</param>
    /// <param name="snapshots">Handed over; null: none.</param>
    /// <exception cref="IOException">It cannot be started.</exception>
    public static WorkerProcess Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, Action<string, string> line,
        SafeFileHandle? snapshots = null) => new(NativeSpawn.Start(command, environment, (int?)snapshots?.DangerousGetHandle()), line);

    /// <summary>One line on the worker's stdin.</summary>
    /// <returns>False: nobody reads there any more.</returns>
    public bool Send(RunCommand command)
    {
        var text = JsonSerializer.Serialize(command with { Argument = command.Verb == CommandVerb.Start ? null : command.Argument }, McnJson.Default.RunCommand) + "\n";
        lock (gate)
        {
            try
            {
                input.Write(Encoding.UTF8.GetBytes(text));
                return true;
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                return false;
            }
        }
    }

    /// <summary>Never reaches another process: the number is ours until the child is reaped, under the same lock.</summary>
    public bool Signal(int signal)
    {
        lock (gate) return !reaped && NativeSpawn.Signal(ProcessId, signal);
    }

    void Wait()
    {
        var end = NativeSpawn.WaitUntilDead(ProcessId);
        lock (gate)
        {
            NativeSpawn.Reap(ProcessId);
            reaped = true;
        }

        drained.Wait(LongestDrain);
        ended.SetResult(end);
    }

    void Pump(int descriptor, string source)
    {
        try
        {
            using var reader = new StreamReader(new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.Read, bufferSize: 0), Encoding.UTF8);
            var text = new StringBuilder();
            var buffer = new char[4096];
            while (reader.Read(buffer, 0, buffer.Length) is > 0 and var count)
            {
                foreach (var letter in buffer.AsSpan(0, count))
                {
                    if (letter == '\n' || text.Length >= LongestLine) Take(text, source);
                    if (letter is not '\n' and not '\r') text.Append(letter);
                }
            }

            if (text.Length > 0) Take(text, source);
        }
        catch (IOException)
        {
            // The pipe broke with the process; what was read is taken.
        }
        finally
        {
            drained.Signal();
        }
    }

    void Take(StringBuilder text, string source)
    {
        var whole = text.ToString();
        text.Clear();
        if (source == "stderr") errorTail.Add(whole);
        line(source, whole);
    }

    static void StartThread(string name, Action work) => new Thread(() => work()) { Name = name, IsBackground = true }.Start();

    /// <summary>Closes the worker's stdin: if it still lives, it saves and leaves.</summary>
    public void Dispose()
    {
        lock (gate) input.Dispose();
    }
}
