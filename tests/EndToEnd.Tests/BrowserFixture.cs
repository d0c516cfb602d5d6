using Microsoft.Playwright;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>One headless Chromium for all tests; each test gets a profile of its own.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    const string Program = "/usr/bin/chromium";
    readonly List<(string? Test, IBrowserContext Context)> contexts = [];
    IPlaywright? playwright;
    IBrowser? browser;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program)) return;
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Program,
            Args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <summary>A page of a fresh profile; the test is skipped where there is no browser.</summary>
    public async Task<IPage> Open(BrowserNewContextOptions? options = null)
    {
        Assert.SkipUnless(browser is not null, $"{Program}: missing. Run: sudo apt-get install -y --no-install-recommends chromium fonts-noto-cjk");
        var test = TestContext.Current.Test?.UniqueID;
        // Pages of tests that are over would go on looking for their dashboards, each at a tenth of a core.
        foreach (var old in contexts.Where(one => one.Test != test)) await old.Context.CloseAsync();
        contexts.RemoveAll(one => one.Test != test);
        var context = await browser.NewContextAsync(options ?? new() { ViewportSize = new() { Width = 1366, Height = 768 }, Locale = "en-GB" });
        contexts.Add((test, context));
        context.SetDefaultTimeout((float)Site.Patience.TotalMilliseconds);
        return await context.NewPageAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
    }
}
