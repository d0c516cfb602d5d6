using System.Net.Http.Headers;
using System.Reflection;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Trainer.Crashes;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// The trainer's one connection, dialled out: greets, ships the journal, beats, takes commands, uploads reports. Without a dashboard it
/// tries again for ever and disturbs nobody. No stateful reconnect: its default buffer halts a busy sender; the journal resends anyway.
/// </summary>
public sealed class DashboardLink : IDisposable
{
    static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(2);
    static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    readonly Uri dashboard;
    readonly string keyFile;
    readonly TrainerFolder trainer;
    readonly RunKeeper keeper;
    readonly CommandDesk desk;
    readonly CheckpointDesk checkpoints;
    readonly ILogger log;
    readonly TimeProvider time;
    readonly JournalShipper shipper;
    readonly HttpClient http;
    readonly HttpClient unhurried;
    volatile bool connected;

    DashboardLink(Uri dashboard, string keyFile, TrainerFolder trainer, RunKeeper keeper, CommandDesk desk, CheckpointDesk checkpoints, ILogger log, TimeProvider time)
    {
        (this.dashboard, this.keyFile, this.trainer, this.keeper, this.desk, this.checkpoints, this.log, this.time) = (dashboard, keyFile, trainer, keeper, desk, checkpoints, log, time);
        shipper = new JournalShipper(trainer, log, time);
        http = new HttpClient(new KeyHandler(ReadKey)) { BaseAddress = dashboard };
        unhurried = new HttpClient(new KeyHandler(ReadKey)) { BaseAddress = dashboard, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Connections that ended or never began.</summary>
    public long Failures { get; private set; }

    /// <returns>Null: no dashboard was named.</returns>
    /// <exception cref="UserError">The key would travel in clear text over a network.</exception>
    public static DashboardLink? Create(SupervisorOptions options, TrainerFolder trainer, RunKeeper keeper, CommandDesk desk, CheckpointDesk checkpoints, ILogger log, TimeProvider time)
    {
        if (options.Dashboard is not { } dashboard) return null;
        if (dashboard.Scheme != Uri.UriSchemeHttps && !dashboard.IsLoopback)
            throw new UserError("--dashboard", $"{dashboard}", "https, or a loopback address", "Put TLS in front of the dashboard, or tunnel: ssh -L", ExitCodes.Usage);
        if (options.KeyFile is not { } keyFile)
            throw new UserError("--key-file", "nothing", "the file with this trainer's API key", "Make a key on the dashboard's settings page", ExitCodes.Usage);
        return new DashboardLink(dashboard, keyFile, trainer, keeper, desk, checkpoints, log, time);
    }

    public Task RunAsync(CancellationToken cancel) =>
        Task.WhenAll(ConnectAsync(cancel), new CrashUploader(trainer.Data, http, log, time).RunAsync(cancel), new CheckpointUploader(checkpoints.Orders, unhurried, log).RunAsync(cancel));

    /// <summary>Gives what was journaled last a chance to arrive: until nothing is unsent, but only on a connection that stands.</summary>
    public async Task DrainAsync(TimeSpan atMost)
    {
        var end = time.GetUtcNow() + atMost;
        do await Task.Delay(LookEvery * 4, time).ConfigureAwait(false);
        while (connected && shipper.Unsent > 0 && time.GetUtcNow() < end);
    }

    async Task ConnectAsync(CancellationToken cancel)
    {
        var failures = 0;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await using var connection = Build();
                await UseAsync(connection, () => failures = 0, cancel).ConfigureAwait(false);
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) // whatever the network does: the link comes back
            {
                Failures++;
                if (failures == 0) log.Warning("No link to the dashboard ({Reason}); trying on, training is not affected", error.Message);
            }

            connected = false;
            await Task.Delay(LinkBackoff.After(++failures), time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    HubConnection Build()
    {
        var connection = new HubConnectionBuilder()
            .WithUrl(new Uri(dashboard, LinkRoutes.Hub), options => options.AccessTokenProvider = () => Task.FromResult<string?>(ReadKey()))
            .AddMessagePackProtocol()
            .Build();
        connection.On<RunCommand, CommandAnswer>(nameof(ITrainerClient.Execute), desk.ExecuteAsync);
        return connection;
    }

    async Task UseAsync(HubConnection connection, Action succeeded, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        connection.Closed += _ => ended.CancelAsync();
        await connection.StartAsync(cancel).ConfigureAwait(false);
        var hub = new HubProxy(connection, time);
        var welcome = await hub.Hello(Greeting()).ConfigureAwait(false);
        if (!welcome.Accepted) throw new IOException($"the dashboard refuses this trainer: {welcome.Reason}");
        succeeded();
        connected = true;
        log.Information("Linked to the dashboard {Dashboard}", dashboard);
        var ship = shipper.ShipAsync(hub, welcome, ended.Token);
        var beat = BeatAsync(hub, ended.Token);
        var first = await Task.WhenAny(ship, beat).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(ship, beat).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first.ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        throw new IOException("the connection was closed");
    }

    async Task BeatAsync(HubProxy hub, CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            var view = keeper.View;
            await hub.Beat(new Heartbeat(view?.RunId, view?.State, view?.Step, shipper.Unsent, time.GetUtcNow(), view?.Incarnation, view?.Target, view?.Generation ?? 0)).ConfigureAwait(false);
            await Task.Delay(BeatEvery, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    Hello Greeting()
    {
        var id = trainer.Id();
        var version = typeof(DashboardLink).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        return new Hello(ProtocolVersion.Wire, id, $"{Environment.MachineName} {trainer.Data}", version);
    }

    /// <summary>Read anew for each connection, so that a key can be changed without a restart.</summary>
    string ReadKey() => File.ReadAllText(keyFile).Trim();

    public void Dispose()
    {
        http.Dispose();
        unhurried.Dispose();
    }

    sealed class KeyHandler(Func<string> key) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key());
            return base.SendAsync(request, cancellationToken);
        }
    }
}
