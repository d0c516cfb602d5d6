using System.Text.Json.Nodes;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>Path 2: one click on Hold, there and back.</summary>
public sealed class PauseRoundTripTests(SampleFixture sample, BrowserFixture browser)
{
    [Fact]
    public async Task Held_is_shown_once_confirmed_stands_still_is_released_and_changes_no_loss()
    {
        var undisturbed = await sample.Undisturbed;
        var page = await browser.Open();
        using var site = new Site();
        await site.SetUp(page, await site.Dashboard());
        site.Serve(sample.Long);
        await site.Reaches(100);
        await page.Drawn(100);

        // A worker that cannot answer: the order is on its way, and the page says no more than that.
        var worker = Processes.Worker(site.Data)!.Value;
        Processes.Signal(worker, "STOP");
        await page.ClickAsync("[data-test=hold]");
        await page.WaitForSelectorAsync("[data-progress=Accepted]");
        await page.State("Holding");
        Assert.DoesNotContain(Journal.Read(site.Data), IsHeld);
        Processes.Signal(worker, "CONT");

        await page.State("Held");
        var held = Assert.Single(Journal.Read(site.Data), IsHeld);
        Assert.NotNull((string?)held["command_id"]);
        var step = (long)held["step"]!;
        await page.Drawn(step);
        // Three seconds of the server's own ticks.
        await page.EvaluateAsync("() => { window.heldTick = Number(document.querySelector('[data-tick]').dataset.tick); }");
        await page.WaitForFunctionAsync("() => Number(document.querySelector('[data-tick]').dataset.tick) >= window.heldTick + 3000");
        Assert.Equal(step, Journal.Steps(site.Data));
        Assert.Equal(step, (await page.Curve()).Steps[^1]);
        Assert.StartsWith($"{step}", await page.Locator(".banner dd").First.InnerTextAsync(), StringComparison.Ordinal);

        await page.ClickAsync("[data-test=resume]");
        await page.Drawn(step + 1);

        // Save & release: the worker is gone, the page says what was seen of its memory, and resume starts another from there.
        var second = Processes.Worker(site.Data)!.Value;
        await page.ClickAsync("[data-test=release]");
        await page.ClickAsync("[data-test=release-sure]");
        await page.State("Released");
        Assert.Null(Processes.Worker(site.Data));
        await page.WaitForSelectorAsync("[data-progress=Done]");
        var released = Assert.Single(Journal.Read(site.Data, "supervisor"), record => Is(record, "released"));
        Assert.Contains($"process {second} is gone", (string)released["detail"]!, StringComparison.Ordinal);
        await page.ClickAsync("[data-test=resume]");
        await site.Ends();
        await page.State("Finished");
        Assert.Equal(2, Journal.Incarnations(site.Data));
        await page.WaitForFunctionAsync("() => document.querySelector('[data-test=ChartLoss] .canvas').dataset.marks === '‖ ‖ ▸'");
        Assert.Equal(TrainTests.Losses(undisturbed), Journal.Losses(site.Data));
        Assert.Equal(TrainTests.Table(undisturbed), Journal.Table(site.Data));
        await page.Drawn(900);
        await page.CurveIs(Journal.Losses(site.Data));
    }

    static bool IsHeld(JsonNode record) => Is(record, "held");

    static bool Is(JsonNode record, string state) => (string?)record["kind"] == "run_state" && string.Equals((string?)record["state"], state, StringComparison.OrdinalIgnoreCase);
}
