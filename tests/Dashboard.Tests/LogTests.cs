using System.Text.Json;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Serilog;

namespace Mcn.Web.Dashboard.Tests;

/// <summary>The dashboard's lines on their way to a stand-in for Seq, through the real sink.</summary>
public sealed class LogTests
{
    /// <summary>The sink sends every two seconds, and after its second failure in ten.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Lines_reach_seq_with_their_run_and_those_of_its_absence_come_after()
    {
        using var seq = new SeqStandIn();
        await using var dashboard = await RunningDashboard.StartAsync(seqUrl: seq.Url);
        await dashboard.TrainerAsync();
        var store = dashboard.Get<RunStore>();
        await store.StoreAsync(Records.Bundle("run-1", 3, 1, Records.Started(0), Records.Step(41), Records.State(RunState.Running)));

        var running = await seq.UntilAsync(line => Says(line, "Run is {State}"), Patience);
        Assert.Equal(("run-1", 3, 1L, "dashboard"), (running.GetProperty("run").GetString(), running.GetProperty("incarnation").GetInt32(), running.GetProperty("step").GetInt64(), running.GetProperty("program").GetString()));
        var connected = await seq.UntilAsync(line => line.GetProperty("@mt").GetString()!.StartsWith("Trainer ", StringComparison.Ordinal), Patience);
        Assert.All(new[] { "run", "incarnation", "step" }, name => Assert.Equal(JsonValueKind.Null, connected.GetProperty(name).ValueKind));
        Assert.Equal("seq-key", seq.ApiKey);

        seq.Refuses = true;
        await store.StoreAsync(Records.Bundle("run-1", 3, 4, Records.Crash("crash-1")));
        await Records.UntilAsync(() => seq.Refused > 0);
        using var browser = await dashboard.SignedInAsync(Policies.Viewer);
        Assert.Contains("ServiceUnavailable", await browser.GetStringAsync(new Uri("/settings", UriKind.Relative)), StringComparison.Ordinal);

        seq.Refuses = false;
        var crashed = await seq.UntilAsync(line => Says(line, "Run crashed: {Message}"), Patience);
        Assert.Equal(("run-1", 1, 12344L), (crashed.GetProperty("run").GetString(), crashed.GetProperty("incarnation").GetInt32(), crashed.GetProperty("step").GetInt64()));
        Assert.Single(seq.Events, line => Says(line, "Run is {State}"));
        Assert.All(seq.Events, line => Assert.True(line.TryGetProperty("run", out _) && line.TryGetProperty("incarnation", out _) && line.TryGetProperty("step", out _), line.ToString()));
    }

    [Fact]
    public async Task The_buffer_of_a_seq_that_is_away_stays_within_its_bound()
    {
        if (Environment.GetEnvironmentVariable("MCN_FULL") != "1") Assert.Skip("writes 0.7 GB; MCN_FULL=1 runs it");
        const int eventBytes = 30_000;
        const int count = 14_000; // 420 MB
        using var seq = new SeqStandIn { Refuses = true };
        using var temp = new TempFolder();
        using var folder = new DataFolder(temp.Path);
        await using var log = (Serilog.Core.Logger)Log.Create(new DashboardOptions { Data = temp.Path, SeqUrl = seq.Url }, folder);
        var large = log.ForContext("payload", new string('x', eventBytes));
        for (var i = 0; i < count; i++) large.Information("Filling");

        long Buffered() => Directory.GetFiles(folder.Logs, "seq-*.clef").Sum(file => new FileInfo(file).Length);
        var written = Buffered();
        using var limit = new CancellationTokenSource(Patience);
        while (Buffered() > Log.SeqBufferBytes + (10 << 20)) await Task.Delay(100, limit.Token);
        Assert.True(written > Log.SeqBufferBytes, $"{written}");
        Assert.True(Buffered() > 0);
    }

    static bool Says(JsonElement line, string template) => line.GetProperty("@mt").GetString() == template;
}
