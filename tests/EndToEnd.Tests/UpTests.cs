using System.Net;
using System.Net.Sockets;
using Mcn.Web.TestKit;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>The main job in one command.</summary>
public sealed class UpTests(SampleFixture sample, BrowserFixture browser)
{
    [Fact]
    public async Task Up_shows_learning_leaves_nothing_running_and_goes_on()
    {
        var page = await browser.Open();
        using var site = new Site();
        var up = site.Up(sample.Long);
        await site.SetUp(page, up);
        await site.Reaches(40);
        await page.Drawn(40); // a checkpoint lies behind it
        up.Signal("INT");
        var ended = await up.End(Site.Patience);
        Assert.True(ended.ExitCode == 0, ended.Errors);
        Assert.Empty(Processes.On(site.Data));
        var left = Journal.Steps(site.Data);
        Assert.InRange(left, 40, 899);

        var again = site.Up(sample.Long);
        await again.Line(line => line.StartsWith("Dashboard: ", StringComparison.Ordinal), Site.Patience);
        await page.GotoAsync(site.Url);
        await site.Reaches(left + 1);
        await page.Drawn(left + 1);
        var started = Journal.Read(site.Data).Last(record => (string?)record["kind"] == "run_started");
        Assert.Equal((2, left), ((int)started["id"]!["incarnation"]!, (long)started["from_step"]!));
        again.Signal("INT");
        await again.End(Site.Patience);
        Assert.Empty(Processes.On(site.Data));
    }

    [Fact]
    public async Task Nothing_is_started_for_a_configuration_with_mistakes_or_a_port_that_somebody_has()
    {
        using var site = new Site();
        using var folder = new TempFolder();
        File.WriteAllText(folder.File("bad.json"), """{ "sed": 1, "optimizer": { "lr": -1 } }""");
        var mistakes = await site.Up(folder.File("bad.json")).End(Site.Patience);
        Assert.Equal((2, ""), (mistakes.ExitCode, mistakes.Output));
        Assert.Contains("sed: found an unknown key", mistakes.Errors, StringComparison.Ordinal);
        Assert.Contains("optimizer.lr: found -1", mistakes.Errors, StringComparison.Ordinal);

        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = $"127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";
        var up = await Command.Run("up", "--data", site.Data, "--listen", taken, "--config", sample.Long);
        Assert.Equal((1, "", $"--listen: {taken} is in use; expected a free port. Give another one\n"), (up.ExitCode, up.Output, up.Errors));
        var alone = await Command.Run("dashboard", "--data", site.Data, "--listen", taken);
        Assert.Equal((1, $"--listen: {taken} is in use; expected a free port. Give another one\n"), (alone.ExitCode, alone.Output + alone.Errors));
        Assert.False(Directory.Exists(Path.Combine(site.Data, "runs")));
        Assert.Empty(Processes.On(site.Data));
    }

    [Fact]
    public async Task Simulated_GPUs_are_gone_with_the_option()
    {
        using var site = new Site();
        var up = Command.Start("up", "--data", site.Data, "--listen", site.Listen, "--config", sample.Long, "--simulate-gpus", "2");
        try
        {
            await up.Line(line => line.StartsWith("Dashboard: ", StringComparison.Ordinal), Site.Patience);
        }
        finally
        {
            up.Signal("INT");
            await up.End(Site.Patience);
            up.Dispose();
        }

        // Where the stand-in for libstdc++ lies, every process of ours looks for libraries.
        Assert.False(File.Exists(Path.Combine(site.Data, "native", "libnvidia-ml.so.1")));
    }
}
