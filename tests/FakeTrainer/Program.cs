using System.Text;
using System.Text.Json;
using Mcn.Web.FakeTrainer;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

// Stands in for a trainer so that the pages can be seen without one: FakeTrainer URL KEY_FILE [--gpus N] [--history STEPS] [--seconds N] [--until held] [--crash ZIP]
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: FakeTrainer URL KEY_FILE [--gpus N] [--history STEPS] [--seconds N] [--until held] [--crash ZIP]");
    return 2;
}

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

var url = args[0].TrimEnd('/');
var key = (await File.ReadAllTextAsync(args[1])).Trim();
var clock = TimeProvider.System;
var run = new FakeRun(clock.GetUtcNow(), Number("--gpus", 4));
await using var connection = new HubConnectionBuilder().WithUrl(url + LinkRoutes.Hub, http => http.AccessTokenProvider = () => Task.FromResult<string?>(key))
    .AddMessagePackProtocol().Build();
connection.On<RunCommand, CommandAnswer>(nameof(ITrainerClient.Execute), run.Answer);
await connection.StartAsync();
var welcome = await connection.InvokeAsync<Welcome>(nameof(ITrainerHub.Hello), new Hello(ProtocolVersion.Wire, "fake-trainer", "gpubox:/data/mcn", "0.1.0"));
Console.WriteLine($"accepted: {welcome.Accepted} {welcome.Reason}");
await connection.InvokeAsync(nameof(ITrainerHub.IntroduceRun), run.Introduction);

run.Begin(Number("--history", 1500));
long sent = 0;
async Task SendAsync()
{
    var records = run.Written.Skip((int)sent).Take(4000).ToList();
    if (records.Count == 0) return;
    var bytes = records.Select(record => JsonSerializer.SerializeToUtf8Bytes(record, McnJson.Default.TelemetryRecord)).ToArray();
    sent = await connection.InvokeAsync<long>(nameof(ITrainerHub.Store), new TelemetryBundle(run.Id, 1, "worker", sent + 1, bytes));
}

while (sent < run.Written.Count) await SendAsync();
Console.WriteLine($"history stored: {sent} records");
var seconds = Number("--seconds", 3600);
using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), clock);
for (var tick = 0; tick < seconds * 2 && await timer.WaitForNextTickAsync(); tick++)
{
    run.Tick(clock.GetUtcNow(), tick);
    await SendAsync();
    if (Option("--until") == "held" && run.State == RunState.Held) break;
    if (tick % 6 == 0) await connection.InvokeAsync(nameof(ITrainerHub.Beat), new Heartbeat(run.Id, run.State, run.Step, 0, clock.GetUtcNow()));
}

if (Option("--crash") is { } zip)
{
    var crash = run.Crash(clock.GetUtcNow());
    await SendAsync();
    using var http = new HttpClient();
    http.DefaultRequestHeaders.Authorization = new("Bearer", key);
    var bytes = File.Exists(zip) ? await File.ReadAllBytesAsync(zip) : Encoding.ASCII.GetBytes("PK (no real zip)");
    using var content = new ByteArrayContent(bytes);
    content.Headers.Add("X-Content-Sha256", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
    var answer = await http.PutAsync(new Uri($"{url}{LinkRoutes.Crashes}/{crash}"), content);
    Console.WriteLine($"crash report: {(int)answer.StatusCode}");
    await connection.InvokeAsync(nameof(ITrainerHub.Beat), new Heartbeat(run.Id, run.State, run.Step, 0, clock.GetUtcNow()));
}

return 0;
