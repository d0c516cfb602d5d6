using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Mcn.Web.TestKit;

/// <summary>
/// A loopback server that takes what Serilog's Seq sink posts, and refuses it while told to. No Seq: it proves our side of the protocol
/// only, that lines come, with what they must carry, late rather than never.
/// </summary>
public sealed class SeqStandIn : IDisposable
{
    readonly HttpListener listener = new();
    readonly object gate = new();
    readonly List<JsonElement> events = [];
    int refused;
    volatile bool refuses;

    public SeqStandIn()
    {
        Url = $"http://127.0.0.1:{FreePort()}/";
        listener.Prefixes.Add(Url);
        listener.Start();
        _ = ServeAsync();
    }

    public string Url { get; }

    /// <summary>While true, everything is answered with 503.</summary>
    public bool Refuses
    {
        get => refuses;
        set => refuses = value;
    }

    /// <summary>How often it has said 503.</summary>
    public int Refused => Volatile.Read(ref refused);

    /// <summary>The X-Seq-ApiKey of the newest request that was taken.</summary>
    public string? ApiKey { get; private set; }

    /// <summary>Events in the order in which they came, each a line of CLEF.</summary>
    public IReadOnlyList<JsonElement> Events
    {
        get
        {
            lock (gate) return [.. events];
        }
    }

    /// <summary>Waits, bounded, until such events have come.</summary>
    public async Task<JsonElement> UntilAsync(Func<JsonElement, bool> wanted, TimeSpan limit)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < limit; await timer.WaitForNextTickAsync())
        {
            var found = Events.Where(wanted).Take(1).ToArray();
            if (found.Length > 0) return found[0];
        }

        throw new TimeoutException($"Not within {limit}. What came: {string.Join('\n', Events.TakeLast(20))}");
    }

    async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var context = await listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                var body = await reader.ReadToEndAsync();
                if (Refuses)
                {
                    context.Response.StatusCode = (int)HttpStatusCode.ServiceUnavailable;
                    Interlocked.Increment(ref refused);
                }
                else
                {
                    Take(context.Request, body);
                    context.Response.StatusCode = (int)HttpStatusCode.Created;
                }

                context.Response.Close();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return; // closed
            }
        }
    }

    void Take(HttpListenerRequest request, string body)
    {
        ApiKey = request.Headers["X-Seq-ApiKey"];
        lock (gate)
        {
            foreach (var line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                events.Add(JsonDocument.Parse(line).RootElement.Clone());
        }
    }

    static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public void Dispose() => listener.Close();
}
