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
        await page.Drawn(1);
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
        await page.Drawn(left + 1);
        var started = Journal.Read(site.Data).Last(record => (string?)record["kind"] == "run_started");
        Assert.Equal((2, left), ((int)started["id"]!["incarnation"]!, (long)started["from_step"]!));
        again.Signal("INT");
        await again.End(Site.Patience);
        Assert.Empty(Processes.On(site.Data));
    }
}
