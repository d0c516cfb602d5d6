using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mcn.Web.TestKit;
using Microsoft.Playwright;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>A data folder with its dashboard and its trainer daemon, each started, killed and started again as a test wants; ends with it.</summary>
public sealed class Site : IDisposable
{
    /// <summary>For what has no promise of its own: five times what it takes on a slow machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly TempFolder folder = new();
    readonly List<Command> commands = [];
    readonly int port = FreePort();

    public string Data => folder.File("data");

    public string Url => $"http://127.0.0.1:{port}";

    public string Listen => $"127.0.0.1:{port}";

    string Key => folder.File("key");

    public async Task<Command> Dashboard()
    {
        var dashboard = Start(null, "dashboard", "--data", Data, "--listen", Listen, "--trainer-key-file", Key);
        await dashboard.Line(line => line.StartsWith("Dashboard: ", StringComparison.Ordinal), Patience);
        return dashboard;
    }

    public Command Serve(string config, IReadOnlyDictionary<string, string>? environment = null) =>
        Start(environment, "serve", "--data", Data, "--dashboard", Url, "--key-file", Key, "--config", config);

    public Command Up(string config, params string[] more) => Start(null, ["up", "--data", Data, "--listen", Listen, "--config", config, .. more]);

    /// <summary>A stand-in trainer with four made-up GPUs and half an hour of history; once held it tells of a crash and leaves.</summary>
    public Command FakeTrainer()
    {
        var program = Directory.GetFiles(Repository.File("tests/FakeTrainer/bin/Release"), "Mcn.Web.FakeTrainer.dll", SearchOption.AllDirectories).Single();
        var trainer = Command.Program("dotnet", program, Url, Key, "--history", "1800", "--until", "held", "--crash", "none");
        commands.Add(trainer);
        return trainer;
    }

    /// <summary>Through the printed link to an admin's session on the page Now.</summary>
    public async Task SetUp(IPage page, Command dashboard)
    {
        var line = await dashboard.Line(text => text.StartsWith("Set-up link: ", StringComparison.Ordinal), Patience);
        await page.GotoAsync(line["Set-up link: ".Length..].Trim());
        await page.FillAsync("input[name=name]", "ada");
        await page.FillAsync("input[name=password]", "correct horse battery");
        await page.ClickAsync("button[type=submit]");
        await page.WaitForURLAsync($"{Url}/");
    }

    /// <summary>Waits for a condition outside the browser; looks ten times a second.</summary>
    public static Task Until(Func<bool> condition, string what, TimeSpan? limit = null) => Until(() => Task.FromResult(condition()), what, limit);

    public static async Task Until(Func<Task<bool>> condition, string what, TimeSpan? limit = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var began = Stopwatch.GetTimestamp(); !await condition(); await timer.WaitForNextTickAsync())
            if (Stopwatch.GetElapsedTime(began) > (limit ?? Patience)) Assert.Fail($"Not within {limit ?? Patience}: {what}");
    }

    /// <summary>Waits until the only run has done so many steps. How long they take is no promise: what fails is a run that stands still.</summary>
    public Task Reaches(long step) => WhileItTrains(() => Journal.Steps(Data) >= step, $"step {step}");

    /// <summary>Waits until the only run is at its end, however long that takes while it trains.</summary>
    public Task Ends() => WhileItTrains(() => Journal.Read(Data).Any(record => (string?)record["kind"] == "run_ended"), "the end of the run");

    async Task WhileItTrains(Func<bool> condition, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        for (var (step, since) = (0L, Stopwatch.GetTimestamp()); !condition(); await timer.WaitForNextTickAsync())
        {
            if (Journal.Steps(Data) is var now && now != step) (step, since) = (now, Stopwatch.GetTimestamp());
            else if (Stopwatch.GetElapsedTime(since) > Patience) Assert.Fail($"No step for {Patience} after step {step}, and not yet {what}");
        }
    }

    Command Start(IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var command = Command.Start(environment ?? new Dictionary<string, string>(), arguments);
        commands.Add(command);
        return command;
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        foreach (var command in commands) command.Dispose();
        foreach (var (id, _) in Processes.On(folder.Path)) Processes.Signal(id, "KILL");
        folder.Dispose();
    }
}
