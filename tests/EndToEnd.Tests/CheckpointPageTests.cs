using System.Formats.Tar;
using System.Text.Json.Nodes;
using Mcn.Web.TestKit;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>The list of checkpoints in the browser: keep one, take one home, go on from one.</summary>
public sealed class CheckpointPageTests(SampleFixture sample, BrowserFixture browser)
{
    [Fact]
    public async Task A_checkpoint_is_pinned_downloaded_whole_and_becomes_a_branch_that_shows_its_parent_and_repeats_it()
    {
        var page = await browser.Open();
        using var site = new Site();
        await site.SetUp(page, await site.Dashboard());
        site.Serve(sample.Config);
        await site.Ends();
        await page.State("Finished");
        var parent = Journal.Run(site.Data);
        var losses = Journal.Losses(site.Data);

        await page.WaitForSelectorAsync("[data-checkpoint='60']");
        await page.ClickAsync("[data-checkpoint='60'] [data-test=pin]");
        await page.WaitForFunctionAsync("() => document.querySelector(\"[data-checkpoint='60'] [data-test=kept-by]\").innerText.includes('pinned')");
        Assert.True(File.Exists(Path.Combine(parent, "checkpoints", "step-0000000060", "pinned")));

        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("[data-checkpoint='60'] [data-test=fetch]"));
        using var folder = new TempFolder();
        await TarFile.ExtractToDirectoryAsync((await download.PathAsync())!, folder.Path, overwriteFiles: false);
        Assert.EndsWith("-step-60.tar", download.SuggestedFilename, StringComparison.Ordinal);
        var verified = await Command.Run("checkpoint", "verify", folder.File("step-0000000060"));
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Errors);

        await page.ClickAsync("[data-checkpoint='60'] [data-test=branch]");
        await page.ClickAsync("[role=dialog] [data-test=start]");
        await page.WaitForSelectorAsync($"[data-test=parent] a[href='runs/{Path.GetFileName(parent)}']");
        await page.State("Finished");
        await page.Drawn(90);
        var branch = Directory.GetDirectories(Path.Combine(site.Data, "runs")).Single(run => run != parent);
        Assert.Equal(60, (int)JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(branch, "run.json")))!["parent"]!["step"]!);
        await page.CurveIs(losses); // its own 30 steps are the parent's last ones, bit for bit
    }
}
