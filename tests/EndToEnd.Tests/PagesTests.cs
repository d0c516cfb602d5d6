using System.Text.RegularExpressions;
using Mcn.Web.TestKit;
using Microsoft.Playwright;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>Every page, in each language, theme and width, over one site with a stand-in trainer whose run has crashed.</summary>
public sealed partial class PagesTests(BrowserFixture browser)
{
    /// <summary>Words that are the same in Japanese: names, units, terms of the field, and what stands in code or comes from programs.</summary>
    static readonly HashSet<string> Allowed = new(StringComparer.OrdinalIgnoreCase)
    {
        "Mcn", "Web", "English", "GPU", "CPU", "NVIDIA", "SXM", "GiB", "MiB", "KiB", "clips", "inotify", "inode", "Xid", "NVLink", "ECC", "API", "CSV", "JSON", "Seq", "SHA", "zip",
        "R", "YouCook", "median", "SIGABRT", "SIGKILL", "UCX", "VFS", "ENABLE", "fs", "max", "user", "watches", "checkpoint", "keep", "last", "MCN", "ada", "step", "FILE", "data", "tmp", "dev", "shm", "cuda", "rank", "BatchNorm", "UTC", "none", "nan", "means",
    };

    [Fact]
    public async Task Every_page_fits_is_translated_and_loads_without_an_error()
    {
        using var site = new Site();
        var first = await browser.Open();
        var dashboard = await site.Dashboard();
        var setup = (await dashboard.Line(line => line.StartsWith("Set-up link: ", StringComparison.Ordinal), Site.Patience))["Set-up link: ".Length..].Trim();
        await Each(first, [new Uri(setup).PathAndQuery], site.Url);
        await site.SetUp(first, dashboard);
        site.FakeTrainer();
        await first.GotoAsync(site.Url);
        await first.State("Running");
        await first.ClickAsync("[data-test=hold]");
        await first.State("Crashed");
        await first.WaitForFunctionAsync("async () => (await (await fetch('/crashes')).text()).includes('href=\"api/crashes/')");
        var run = await first.GetAttributeAsync(".crash .more", "href");
        var id = run!["crashes/".Length..^"-crash".Length];

        await Each(first, ["/", "/runs", $"/runs/{id}", "/runs/none", "/crashes", $"/crashes/{id}-crash", "/crashes/none", "/commands", "/settings", "/not-found", "/no-such-page"], site.Url);
        var stranger = await browser.Open();
        await Each(stranger, ["/sign-in"], site.Url);
    }

    static async Task Each(IPage page, IReadOnlyList<string> paths, string url)
    {
        var trouble = new List<string>();
        var at = "";
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !IsMissing(at)) trouble.Add($"{at}: console: {message.Text}");
        };
        page.PageError += (_, error) => trouble.Add($"{at}: script: {error}");
        page.RequestFailed += (_, request) => Failed(request);
        page.Response += (_, response) =>
        {
            if (response.Status >= 400 && !IsMissing(new Uri(response.Url).AbsolutePath)) trouble.Add($"{at}: {response.Status} for {response.Url}");
        };
        void Failed(IRequest request)
        {
            // Going on to the next page ends what the last one still had open.
            if (request.Failure != "net::ERR_ABORTED") trouble.Add($"{at}: {request.Failure} for {request.Url}");
        }

        foreach (var language in new[] { "en", "ja" })
        {
            foreach (var theme in new[] { "light", "dark" })
            {
                await page.Context.AddCookiesAsync([new() { Name = "mcn-theme", Value = theme, Url = url }]);
                foreach (var path in paths)
                {
                    at = $"{path} {language} {theme}";
                    await page.GotoAsync($"{url}/preferences/language/{language}?returnUrl={Uri.EscapeDataString(path)}");
                    await page.WaitForFunctionAsync("() => !document.querySelector('script[src*=blazor]') || window.Blazor");
                    Assert.Equal((language, theme), (await page.GetAttributeAsync("html", "lang"), await page.GetAttributeAsync("html", "data-theme")));
                    foreach (var width in new[] { 1366, 390 })
                    {
                        await page.SetViewportSizeAsync(width, 768);
                        var over = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - window.innerWidth");
                        if (over > 0) trouble.Add($"{at} at {width} px: {over} px too wide");
                        var hidden = await page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('.table-scroll')].filter(part => part.scrollWidth > part.clientWidth).map(part => part.innerText.split('\\n')[0])");
                        trouble.AddRange(hidden.Select(table => $"{at} at {width} px: columns hidden behind scrolling: {table}"));
                    }

                    trouble.AddRange(Untranslated(await Shown(page), language).Select(word => $"{at}: {word}"));
                }
            }
        }

        Assert.True(trouble.Count == 0, string.Join('\n', trouble.Distinct().Take(60)));
    }

    /// <summary>The page whose status is 404 by intent.</summary>
    static bool IsMissing(string path) => path.StartsWith("/not-found", StringComparison.Ordinal) || path.StartsWith("/no-such-page", StringComparison.Ordinal);

    /// <summary>What a person reads or hears of the page, without what programs wrote.</summary>
    static Task<string> Shown(IPage page) => page.EvaluateAsync<string>("""
        () => {
            const copy = document.body.cloneNode(true);
            copy.querySelectorAll('script, style, [translate=no], .mono, pre, [lang]').forEach(part => part.remove());
            const spoken = [...copy.querySelectorAll('[aria-label], [title], [placeholder]')].flatMap(part => ['aria-label', 'title', 'placeholder'].map(name => part.getAttribute(name) ?? ''));
            const texts = [];
            for (const walk = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT); walk.nextNode();) texts.push(walk.currentNode.data);
            return [document.title, ...texts, ...spoken].join('\n');
        }
        """);

    static IEnumerable<string> Untranslated(string text, string language)
    {
        foreach (Match key in Key().Matches(text)) yield return $"a key of the resources is shown: {key.Value}";
        if (language != "ja") yield break;
        foreach (Match words in EnglishWords().Matches(Code().Replace(text, " ")))
            if (words.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Any(word => word.Length > 2 && !Allowed.Contains(word))) yield return $"English on the Japanese page: {words.Value.Trim()}";
    }

    /// <summary>A name such as `PageNow`, `Alert_disk_filling` or an unfilled `{mount}`.</summary>
    [GeneratedRegex(@"\b(?:[A-Z][a-z]+){2,}[A-Za-z]*\b(?<!YouCook|BatchNorm)|\b[A-Z][A-Za-z]+_[a-z][A-Za-z_]*|\{[a-z_0-9]+\}")]
    private static partial Regex Key();

    /// <summary>File names, paths, configuration keys, settings, run ids.</summary>
    [GeneratedRegex(@"[A-Za-z0-9_-]*[._/=:][A-Za-z0-9_./=:-]*|\d{8}-\d{6}-\w+")]
    private static partial Regex Code();

    [GeneratedRegex("[A-Za-z]{3,}(?: [A-Za-z]+)*")]
    private static partial Regex EnglishWords();
}
