using System.IO.Compression;
using System.Text.Json.Nodes;
using Mcn.Web.TestKit;
using Microsoft.Playwright;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>Path 3: one crash, from the dying process to the downloaded report.</summary>
public sealed class CrashToDownloadTests(SampleFixture sample, BrowserFixture browser)
{
    /// <summary>Promised within 10 s.</summary>
    static readonly TimeSpan Told = TimeSpan.FromSeconds(50);

    [Fact]
    public async Task A_killed_worker_is_told_reported_and_restarted()
    {
        var page = await browser.Open();
        using var site = new Site();
        await site.SetUp(page, await site.Dashboard());
        site.Serve(sample.Long);
        await site.Reaches(100);
        await page.Drawn(100);
        Processes.Signal(Processes.Worker(site.Data)!.Value, "KILL");

        await OpenCrash(page);
        Assert.Contains("SIGKILL", await page.InnerTextAsync(".crash-page h1"), StringComparison.Ordinal);
        using var report = await Download(page);
        Assert.Equal(9, (int)Json(report, "summary.json")["signal"]!);

        await page.GotoAsync(site.Url);
        await site.Ends();
        await page.State("Finished");
        var started = Journal.Read(site.Data).Last(record => (string?)record["kind"] == "run_started");
        Assert.Equal(2, (int)started["id"]!["incarnation"]!);
        Assert.True((long)started["from_step"]! >= 90, "from the last checkpoint");
        await page.Drawn(900);
        await page.CurveIs(Journal.Losses(site.Data));
    }

    [Fact]
    public async Task An_exception_of_the_device_is_told_with_its_words_and_the_harmless_line_is_ruled_out()
    {
        const string inotify = "inotify_add_watch(/tmp) failed: No space left on device";
        const string cublas = "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED";
        var page = await browser.Open();
        using var site = new Site();
        await Dying(site, page, "cublas");

        await OpenCrash(page);
        Assert.Contains(cublas, await page.InnerTextAsync(".crash-page .message"), StringComparison.Ordinal);
        var ruledOut = page.Locator(".ruled-out");
        Assert.Contains(inotify, await ruledOut.InnerTextAsync(), StringComparison.Ordinal);
        Assert.Contains("Not the cause", await ruledOut.InnerTextAsync(), StringComparison.Ordinal);
        using var report = await Download(page);
        Assert.Contains(cublas, Text(report, "README.md"), StringComparison.Ordinal);
        Assert.Contains(inotify, Text(report, "README.md"), StringComparison.Ordinal);
        Assert.Contains(inotify, Text(report, "logs/stderr.txt"), StringComparison.Ordinal);
        var verdict = Json(report, "verdict.json");
        Assert.DoesNotContain("inotify", verdict["cause"]!["rule"]!.ToString(), StringComparison.Ordinal);
        Assert.Contains(verdict["ruled_out"]!.AsArray(), line => line!.ToJsonString().Contains("inotify", StringComparison.Ordinal));

        // The same step twice: it gives up and says so.
        await page.GotoAsync(site.Url);
        await page.Locator(".crash", new() { HasText = "gives up" }).WaitForAsync();
        await page.State("Crashed");
        Assert.Null(Processes.Worker(site.Data));
    }

    [Fact]
    public async Task An_abort_of_native_code_is_told_by_its_signal()
    {
        var page = await browser.Open();
        using var site = new Site();
        await Dying(site, page, "abort");

        await OpenCrash(page);
        Assert.Contains("SIGABRT", await page.InnerTextAsync(".crash-page h1"), StringComparison.Ordinal);
        using var report = await Download(page);
        Assert.Equal(6, (int)Json(report, "summary.json")["signal"]!);
    }

    /// <summary>A daemon whose worker is a stand-in that dies this way after five steps.</summary>
    async Task Dying(Site site, IPage page, string death)
    {
        var dummy = Directory.GetFiles(Repository.File("tests/CrashDummy/bin/Release"), "Mcn.Web.CrashDummy.dll", SearchOption.AllDirectories).Single();
        await site.SetUp(page, await site.Dashboard());
        site.Serve(sample.Config, new Dictionary<string, string> { ["MCN_WORKER_COMMAND"] = $"dotnet {dummy}", ["MCN_DUMMY"] = death });
    }

    static async Task OpenCrash(IPage page)
    {
        await page.ClickAsync(".crash .more", new() { Timeout = (float)Told.TotalMilliseconds });
        await page.WaitForSelectorAsync(".crash-page");
    }

    /// <summary>By the button, and it holds what a report has to.</summary>
    static async Task<ZipArchive> Download(IPage page)
    {
        var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync("[data-test=download]", new() { Timeout = (float)Told.TotalMilliseconds }));
        Assert.EndsWith(".zip", download.SuggestedFilename, StringComparison.Ordinal);
        var report = ZipFile.OpenRead((await download.PathAsync())!);
        foreach (var name in new[] { "README.md", "summary.json", "verdict.json", "manifest.json", "logs/stderr.txt", "ring/lanes.jsonl", "steps/last_steps.jsonl", "steps/failing_step.json", "config/config.json", "host/samples.jsonl" })
            Assert.NotNull(Entry(report, name));
        return report;
    }

    static ZipArchiveEntry Entry(ZipArchive report, string name) => report.Entries.Single(entry => entry.FullName.EndsWith("/" + name, StringComparison.Ordinal));

    static string Text(ZipArchive report, string name)
    {
        using var reader = new StreamReader(Entry(report, name).Open());
        return reader.ReadToEnd();
    }

    static JsonNode Json(ZipArchive report, string name) => JsonNode.Parse(Text(report, name))!;
}
