namespace Mcn.Web.EndToEnd.Tests;

/// <summary>Path 1: one batch, from disk to gradient to the screen.</summary>
public sealed class BatchToScreenTests(SampleFixture sample, BrowserFixture browser)
{
    [Fact]
    public async Task Killing_the_dashboard_half_way_changes_nothing_in_the_final_curve()
    {
        var page = await browser.Open();
        using var site = new Site();
        var dashboard = await site.Dashboard();
        await site.SetUp(page, dashboard);
        site.Serve(sample.Long);
        await site.Reaches(200);
        await page.Drawn(200);
        dashboard.Signal("KILL");
        await dashboard.End(Site.Patience);
        var killedAt = Journal.Steps(site.Data);
        Assert.InRange(killedAt, 200, 899);
        await Site.Until(() => Journal.Steps(site.Data) > killedAt + 100, "training goes on without a dashboard");

        await site.Dashboard();
        await page.GotoAsync(site.Url);
        await site.Ends();
        await page.State("Finished");
        await page.Drawn(900);
        var losses = Journal.Losses(site.Data);
        Assert.Equal(900, losses.Count);
        await page.CurveIs(losses);
        Assert.Equal(1, Journal.Incarnations(site.Data));
    }
}
