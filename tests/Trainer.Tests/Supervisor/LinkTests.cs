using System.Collections.Concurrent;
using System.Security.Cryptography;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>The whole trainer side against a real hub on a real port: greeting, records, commands, a crash report; and a dashboard that restarts.</summary>
public sealed class LinkTests
{
    [Fact]
    public async Task Records_commands_and_reports_cross_the_wire_and_a_dashboard_that_restarts_gets_the_rest()
    {
        var desk = new DashboardStandIn();
        var first = await StartAsync(desk, "http://127.0.0.1:0");
        var address = first.Urls.Single();
        await using var fixture = new SupervisorFixture("sigkill", "slow") { Dashboard = new Uri(address) };
        fixture.KeyFile = Path.Combine(fixture.Data, "key");
        await File.WriteAllTextAsync(fixture.KeyFile, "secret-key\n");
        fixture.Start();
        await SupervisorFixture.WaitForAsync(() => desk.Reports.Count == 1, "the crash report");
        await SupervisorFixture.WaitForAsync(() => desk.Beat is { State: RunState.Running, Step: 5 }, "a heartbeat of the running worker");

        await first.StopAsync();
        await first.DisposeAsync();
        await Task.Delay(100);
        await using var second = await StartAsync(desk, address);
        await SupervisorFixture.WaitForAsync(() => desk.Connections.Count >= 2, "the second connection");
        var answer = await desk.ExecuteAsync(new RunCommand("c-1", fixture.Run.RunId, CommandVerb.Hold, null, "sato", default, TimeSpan.FromMinutes(1)));

        Assert.Equal((true, "accepted"), (answer.Accepted, answer.Code));
        await SupervisorFixture.WaitForAsync(() => desk.Has<RunStateChanged>(state => state.State == RunState.Held && state.CommandId == "c-1"), "held, over the ordinary path");
        Assert.All(desk.Keys, key => Assert.Equal("Bearer secret-key", key));
        Assert.Contains(fixture.Run.RunId, desk.Introduced);
        Assert.True(desk.Has<WorkerExited>(exit => exit.Signal == 9));
        var (id, bytes, hash) = desk.Reports.Single();
        Assert.Equal(($"crash-{fixture.Run.RunId}-w000001", Convert.ToHexStringLower(SHA256.HashData(bytes))), (id, hash));
        var sent = Path.Combine(fixture.Run.Crashes, id + ".zip.sent");
        await SupervisorFixture.WaitForAsync(() => File.Exists(sent), "the report marked as sent");
        Assert.Equal(bytes, await File.ReadAllBytesAsync(sent));
        foreach (var (stream, sequences) in desk.Sequences) Assert.Equal(Enumerable.Range(1, sequences.Count).Select(i => (long)i), sequences);
    }

    [Theory]
    [InlineData("http://192.168.1.5:8080")]
    [InlineData("http://lab.example")]
    public void A_key_does_not_travel_in_clear_text(string address)
    {
        var options = new SupervisorFixture("clean").Options() with { Dashboard = new Uri(address), KeyFile = "key" };
        var refused = Assert.Throws<UserError>(() => Trainer.Supervisor.DashboardLink.Create(options, null!, null!, null!, null!, null!, null!));
        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
    }

    static async Task<WebApplication> StartAsync(DashboardStandIn desk, string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        builder.Services.AddSingleton(desk);
        builder.Services.AddSignalR(options => options.MaximumReceiveMessageSize = 4 << 20).AddMessagePackProtocol();
        var app = builder.Build();
        app.MapHub<StandInHub>(LinkRoutes.Hub);
        app.MapPut(LinkRoutes.Crashes + "/{id}", async (string id, HttpRequest request) =>
        {
            using var memory = new MemoryStream();
            await request.Body.CopyToAsync(memory);
            desk.Keys.Add(request.Headers.Authorization.ToString());
            desk.Reports.Add((id, memory.ToArray(), request.Headers["X-Content-Sha256"].ToString()));
            return Results.Ok();
        });
        await app.StartAsync();
        desk.Context = app.Services.GetRequiredService<IHubContext<StandInHub>>();
        return app;
    }

    /// <summary>What outlives a restart of the dashboard: its store.</summary>
    sealed class DashboardStandIn
    {
        readonly Lock gate = new();
        readonly List<TelemetryRecord> records = [];

        public ConcurrentBag<string> Keys { get; } = [];

        public ConcurrentBag<(string Id, byte[] Bytes, string Hash)> Reports { get; } = [];

        public ConcurrentBag<string> Introduced { get; } = [];

        public ConcurrentBag<string> Connections { get; } = [];

        public Dictionary<(string, int, string), List<long>> Sequences { get; } = [];

        public Heartbeat? Beat { get; set; }

        public IHubContext<StandInHub>? Context { get; set; }

        public string Newest { get; set; } = "";

        public Task<CommandAnswer> ExecuteAsync(RunCommand command) =>
            Context!.Clients.Client(Newest).InvokeAsync<CommandAnswer>(nameof(ITrainerClient.Execute), command, CancellationToken.None);

        public bool Has<T>(Func<T, bool> condition)
        {
            lock (gate) return records.OfType<T>().Any(condition);
        }

        public Welcome Welcome()
        {
            lock (gate) return new Welcome(true, null, [.. Sequences.Select(entry => new StreamCursor(entry.Key.Item1, entry.Key.Item2, entry.Key.Item3, entry.Value.Count))]);
        }

        public long Store(TelemetryBundle bundle)
        {
            lock (gate)
            {
                var key = (bundle.Run, bundle.Incarnation, bundle.Stream);
                if (!Sequences.TryGetValue(key, out var sequences)) Sequences[key] = sequences = [];
                foreach (var record in bundle.Records.Select(bytes => System.Text.Json.JsonSerializer.Deserialize(bytes, McnJson.Default.TelemetryRecord)!))
                {
                    records.Add(record);
                    sequences.Add(record.Id!.Sequence);
                }

                return sequences[^1];
            }
        }
    }

    sealed class StandInHub(DashboardStandIn desk) : Hub
    {
        public Task<Welcome> Hello(Hello hello)
        {
            Assert.Equal(ProtocolVersion.Wire, hello.ProtocolVersion);
            desk.Keys.Add(Context.GetHttpContext()!.Request.Headers.Authorization.ToString());
            desk.Newest = Context.ConnectionId;
            desk.Connections.Add(Context.ConnectionId);
            return Task.FromResult(desk.Welcome());
        }

        public Task IntroduceRun(RunIntroduction run)
        {
            desk.Introduced.Add(run.RunId);
            return Task.CompletedTask;
        }

        public Task<long> Store(TelemetryBundle bundle) => Task.FromResult(desk.Store(bundle));

        public Task Beat(Heartbeat heartbeat)
        {
            desk.Beat = heartbeat;
            return Task.CompletedTask;
        }
    }
}
