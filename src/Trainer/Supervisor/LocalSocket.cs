using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Mcn.Web.Shared.Commands;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The same commands as the page's buttons, for the hour the dashboard is down: one JSON line in, one out, over `trainer/socket`, which
/// only this user can open. One loop of the supervisor; each caller is served by its own task, with a time-out.
/// </summary>
public sealed class LocalSocket(TrainerFolder trainer, CommandDesk desk, Func<string> status, ILogger log, TimeProvider time)
{
    const int LongestRequestBytes = 1 << 20;
    static readonly TimeSpan LongestCaller = TimeSpan.FromSeconds(10);
    static readonly TimeSpan CommandValid = TimeSpan.FromMinutes(1);

    /// <summary>Callers that could not be served.</summary>
    public long Failures => Interlocked.Read(ref failures);

    long failures;

    public async Task RunAsync(CancellationToken cancel)
    {
        using var listener = Listen();
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                var caller = await listener.AcceptAsync(cancel).ConfigureAwait(false);
                _ = ServeAsync(caller);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (SocketException error)
            {
                Interlocked.Increment(ref failures);
                log.Warning("The local socket cannot accept: {Reason}", error.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        File.Delete(trainer.Socket);
    }

    Socket Listen()
    {
        File.Delete(trainer.Socket); // of a daemon that was killed; its lock is ours now
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (var path = new SocketPath(trainer.Socket)) listener.Bind(path.Address);
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(trainer.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen();
        return listener;
    }

    async Task ServeAsync(Socket caller)
    {
        try
        {
            using var stream = new NetworkStream(caller, ownsSocket: true);
            using var limit = new CancellationTokenSource(LongestCaller, time);
            var request = await ReadLineAsync(stream, limit.Token).ConfigureAwait(false);
            var answer = await AnswerAsync(request).ConfigureAwait(false);
            var line = JsonSerializer.Serialize(answer, TrainerJson.Default.SocketAnswer) + "\n";
            await stream.WriteAsync(Encoding.UTF8.GetBytes(line), limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or JsonException or ObjectDisposedException)
        {
            Interlocked.Increment(ref failures);
            log.Warning("A caller of the local socket could not be served: {Reason}", error.Message);
        }
    }

    async Task<SocketAnswer> AnswerAsync(string line)
    {
        var request = JsonSerializer.Deserialize(line, TrainerJson.Default.SocketRequest) ?? throw new JsonException("an empty request");
        if (request.Verb == "status") return new SocketAnswer(ExitCodes.Done, status());
        if (!Enum.TryParse<CommandVerb>(request.Verb, out var verb)) return new SocketAnswer(ExitCodes.Usage, $"{request.Verb}: no such command");
        var now = time.GetUtcNow();
        var answer = await desk.ExecuteAsync(new RunCommand(Guid.CreateVersion7().ToString(), null, verb, request.Argument, RunCommand.Local, now, CommandValid)).ConfigureAwait(false);
        if (answer.Accepted) return new SocketAnswer(ExitCodes.Done, answer.Text);
        return new SocketAnswer(answer.Code is "bad_configuration" or "bad_argument" ? ExitCodes.Usage : ExitCodes.Refused, $"refused ({answer.Code}): {answer.Text}");
    }

    static async Task<string> ReadLineAsync(Stream stream, CancellationToken cancel)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, cancel).ConfigureAwait(false) is > 0 and var count)
        {
            bytes.Write(buffer, 0, count);
            if (buffer.AsSpan(0, count).Contains((byte)'\n')) break;
            if (bytes.Length > LongestRequestBytes) throw new IOException($"a request of more than {LongestRequestBytes} bytes");
        }

        return Encoding.UTF8.GetString(bytes.ToArray()).TrimEnd('\n');
    }

    /// <summary>A verb's end of the socket.</summary>
    /// <returns>Null: no daemon answers.</returns>
    internal static SocketAnswer? Call(TrainerFolder trainer, SocketRequest request)
    {
        if (!File.Exists(trainer.Socket)) return null;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = (int)LongestCaller.TotalMilliseconds };
            using (var path = new SocketPath(trainer.Socket)) socket.Connect(path.Address);
            using var stream = new NetworkStream(socket);
            stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(request, TrainerJson.Default.SocketRequest) + "\n"));
            using var reader = new StreamReader(stream);
            return reader.ReadLine() is { } line ? JsonSerializer.Deserialize(line, TrainerJson.Default.SocketAnswer) : null;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return null;
        }
    }
}
