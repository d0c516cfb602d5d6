using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Mcn.Web.Dashboard.Tests;

/// <summary>The whole dashboard on a free port, in a folder of its own, with a trainer's key.</summary>
sealed partial class RunningDashboard : IAsyncDisposable
{
    readonly TempFolder folder;
    readonly bool ownsFolder;
    readonly List<IAsyncDisposable> clients = [];
    WebApplication app = null!;

    RunningDashboard(TempFolder? given) => (folder, ownsFolder) = (given ?? new TempFolder(), given is null);

    public IServiceProvider Services => app.Services;

    public Uri Address { get; private set; } = null!;

    public string Key { get; private set; } = "";

    public static async Task<RunningDashboard> StartAsync(Action<IServiceCollection>? adjust = null, string? seqUrl = null, TempFolder? folder = null)
    {
        var dashboard = new RunningDashboard(folder);
        var options = new DashboardOptions { Data = dashboard.folder.Path, Listen = new IPEndPoint(IPAddress.Loopback, 0), TrainerKeyFile = dashboard.folder.File("trainer/key"), SeqUrl = seqUrl, SeqApiKey = "seq-key" };
        dashboard.app = DashboardHost.Build(options, adjust);
        await DashboardHost.StartAsync(dashboard.app, options);
        dashboard.Address = new Uri(DashboardHost.Address(dashboard.app));
        dashboard.Key = (await File.ReadAllTextAsync(options.TrainerKeyFile!)).Trim();
        return dashboard;
    }

    public T Get<T>() where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>A browser without following redirects; cookies kept.</summary>
    public HttpClient Browser() => new(new HttpClientHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer() }) { BaseAddress = Address };

    public HttpClient TrainerHttp(string? key = null)
    {
        var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key ?? Key);
        return client;
    }

    /// <summary>Signs in a person, made if need be.</summary>
    public async Task<HttpClient> SignedInAsync(string role)
    {
        await Get<AccountStore>().AddAsync(role, "correct horse", role);
        var browser = Browser();
        var answer = await PostFormAsync(browser, "/sign-in", "/account/sign-in", ("name", role), ("password", "correct horse"));
        Assert.Equal("/", answer.Headers.Location?.OriginalString);
        return browser;
    }

    /// <summary>Posts a form of a page, with its anti-forgery token.</summary>
    public static async Task<HttpResponseMessage> PostFormAsync(HttpClient browser, string page, string action, params (string, string)[] fields)
    {
        var html = await browser.GetStringAsync(new Uri(page, UriKind.Relative));
        var token = AntiforgeryField().Match(html).Groups[1].Value;
        using var form = new FormUrlEncodedContent(fields.Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await browser.PostAsync(new Uri(action, UriKind.Relative), form);
    }

    /// <summary>A trainer that has said Hello and introduced a run.</summary>
    public async Task<HubConnection> TrainerAsync(string run = "run-1", Func<RunCommand, Task<CommandAnswer>>? desk = null)
    {
        var connection = Connection();
        connection.On(nameof(ITrainerClient.Execute), desk ?? (command => Task.FromResult(new CommandAnswer(command.CommandId, true, "accepted", "", run))));
        await connection.StartAsync();
        var welcome = await connection.InvokeAsync<Welcome>(nameof(ITrainerHub.Hello), new Hello(ProtocolVersion.Wire, "trainer-1", "box", "test"));
        Assert.True(welcome.Accepted, welcome.Reason);
        await connection.InvokeAsync(nameof(ITrainerHub.IntroduceRun), Records.Introduction(run));
        return connection;
    }

    public HubConnection Connection(string? key = null)
    {
        var connection = new HubConnectionBuilder().WithUrl(new Uri(Address, LinkRoutes.Hub), http => http.AccessTokenProvider = () => Task.FromResult<string?>(key ?? Key))
            .AddMessagePackProtocol().Build();
        clients.Add(connection);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients) await client.DisposeAsync();
        await app.StopAsync();
        await app.DisposeAsync();
        if (ownsFolder) folder.Dispose();
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\"[^>]*value=\"([^\"]+)\"")]
    private static partial Regex AntiforgeryField();
}

/// <summary>Records as a trainer writes them.</summary>
static class Records
{
    public static readonly DateTimeOffset Begin = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    public static RunIntroduction Introduction(string run) => new(run, "a run", Begin, "{}", null);

    public static TelemetryRecord Step(long step, double loss = 1, double? atSecond = null) => new StepMetrics
    {
        Time = Begin + TimeSpan.FromSeconds(atSecond ?? step), Step = step, Epoch = 0, Values = new Dictionary<string, double> { [MetricCatalog.Loss] = loss },
    };

    public static TelemetryRecord Started(long fromStep, double atSecond = 0) => new RunStarted
    {
        Time = Begin + TimeSpan.FromSeconds(atSecond), Name = "a run", FromStep = fromStep, TotalSteps = 10000, StepsPerEpoch = 100, Epochs = 100, ClipsPerStep = 8, Parameters = 1, Device = "cpu",
    };

    public static TelemetryRecord State(RunState state, string? command = null, double atSecond = 0) =>
        new RunStateChanged { Time = Begin + TimeSpan.FromSeconds(atSecond), State = state, Step = 1, CommandId = command };

    public static TelemetryRecord Ended(string command, CommandVerb verb, string code = CommandEnded.Done) =>
        new CommandEnded { Time = Begin, CommandId = command, Verb = verb, Code = code, DurationSeconds = 1 };

    public static TelemetryRecord Crash(string id) => new WorkerExited
    {
        Time = Begin, ExitCode = null, Signal = 9, WorkerIncarnation = 1,
        Crash = new Shared.Crashes.CrashSummary
        {
            CrashId = id, RunId = "run-1", WorkerIncarnation = 1, Time = Begin, ExitCode = null, Signal = 9, Kind = "killed", Step = 12344, Phase = "backward",
            Message = "killed", RuledOut = [new("UCX ERROR inotify_add_watch(/tmp) failed", new CodedText("ucx-inotify-watch", "a quota"))], Next = new CodedText("restart", "restart in 2 s", ("seconds", "2"), ("attempt", "1"), ("most", "5")),
        },
    };

    public static TelemetryBundle Bundle(string run, int incarnation, long first, params IEnumerable<TelemetryRecord> records) =>
        new(run, incarnation, "worker", first, [.. records.Select(record => JsonSerializer.SerializeToUtf8Bytes(record, McnJson.Default.TelemetryRecord))]);

    /// <summary>Waits for what comes about by itself; bounded.</summary>
    public static async Task UntilAsync(Func<bool> there)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!there()) await Task.Delay(20, limit.Token);
    }
}
