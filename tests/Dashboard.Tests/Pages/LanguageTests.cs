using System.Collections;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Alerts;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;

namespace Mcn.Web.Dashboard.Tests.Pages;

public sealed partial class LanguageTests
{
    static readonly ResourceManager Texts = new(typeof(Words).FullName!, typeof(Words).Assembly);

    [Fact]
    public void Both_languages_have_the_same_keys_none_empty_and_the_same_places()
    {
        var english = Read(CultureInfo.InvariantCulture);
        var japanese = Read(CultureInfo.GetCultureInfo("ja"));
        Assert.Equal(english.Keys.Order(), japanese.Keys.Order());
        foreach (var (key, text) in english)
        {
            Assert.False(string.IsNullOrWhiteSpace(text), key);
            Assert.False(string.IsNullOrWhiteSpace(japanese[key]), key);
            Assert.Equal((key, Places(text)), (key, Places(japanese[key])));
        }
    }

    [Fact]
    public void Every_verb_progress_state_and_switch_has_a_word()
    {
        var keys = Read(CultureInfo.InvariantCulture).Keys.ToHashSet();
        Assert.All(Enum.GetNames<Shared.Commands.CommandVerb>(), verb => Assert.Contains("Verb" + verb, keys));
        Assert.All(Enum.GetNames<Dashboard.Commands.CommandProgress>(), progress => Assert.Contains("Progress" + progress, keys));
        Assert.All(Enum.GetValues<RunState>(), state => Assert.Contains(Runs(state), keys));
        Assert.All(Shared.Configuration.RunConfigKeys.All.Where(key => key.Section == "compatibility"), key => Assert.Contains("Fault_" + key.Leaf, keys));
        static string Runs(RunState state) => Dashboard.Runs.StateShape.Of(state).Word;
    }

    [Theory]
    [InlineData("en", "96 GiB of 1,000 GiB free")]
    [InlineData("ja", "残り 96.0 GiB")]
    public void An_alert_is_told_in_the_viewers_language(string culture, string part)
    {
        using var services = new ServiceCollection().AddLogging().AddLocalization().BuildServiceProvider();
        var alert = new Alert
        {
            Code = "disk_space_low", Text = "English of the trainer",
            Parameters = new Dictionary<string, string> { ["mount"] = "/data", ["purpose"] = "data", ["free_bytes"] = "103079215104", ["total_bytes"] = "1073741824000" },
        };
        var before = CultureInfo.CurrentUICulture;
        CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        try
        {
            var texts = services.GetRequiredService<IStringLocalizer<Words>>();
            Assert.Contains(part.Replace("96 GiB", "96.0 GiB", StringComparison.Ordinal), AlertText.Of(texts, alert), StringComparison.Ordinal);
            Assert.Equal("something new", AlertText.Of(texts, alert with { Code = "of_next_year", Text = "something new" }));
            Assert.Empty(AlertText.Standing([alert, alert with { Code = "disk_space_low_cleared" }]));
        }
        finally
        {
            CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("en", "Died in optimizer of step 6 on rank 2 (cuda:2)", "Died in optimizer of step 6")]
    [InlineData("ja", "rank 2 (cuda:2)：ステップ 6 の最適化で異常終了", "ステップ 6 の最適化で異常終了")]
    public void A_crash_names_the_replica_where_one_is_known(string culture, string named, string unnamed)
    {
        using var services = new ServiceCollection().AddLogging().AddLocalization().BuildServiceProvider();
        var crash = ((WorkerExited)Records.Crash("c")).Crash! with { Step = 5, Phase = "update" };
        var before = CultureInfo.CurrentUICulture;
        CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        try
        {
            var texts = services.GetRequiredService<IStringLocalizer<Words>>();
            Assert.Equal((named, unnamed), (Dashboard.Crashes.CrashText.Where(texts, crash with { Rank = "rank 2 (cuda:2)" }), Dashboard.Crashes.CrashText.Where(texts, crash)));
        }
        finally
        {
            CultureInfo.CurrentUICulture = CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public async Task Language_and_theme_come_from_cookies()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var browser = dashboard.Browser();
        Assert.Contains("<html lang=\"en\" data-theme=\"light\"", await browser.GetStringAsync(new Uri("/sign-in", UriKind.Relative)), StringComparison.Ordinal);
        await browser.GetAsync(new Uri("/preferences/language/ja?returnUrl=/sign-in", UriKind.Relative));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sign-in");
        var html = await browser.GetStringAsync(new Uri("/sign-in", UriKind.Relative));
        Assert.Contains("<html lang=\"ja\"", html, StringComparison.Ordinal);
        Assert.Contains("サインイン", WebUtilityDecode(html), StringComparison.Ordinal);
        using var dark = dashboard.Browser();
        dark.DefaultRequestHeaders.Add("Cookie", "mcn-theme=dark");
        Assert.Contains("data-theme=\"dark\"", await dark.GetStringAsync(new Uri("/sign-in", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_page_is_there_for_a_viewer_in_both_languages()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var browser = await dashboard.SignedInAsync(Policies.Admin);
        var store = dashboard.Get<Dashboard.Telemetry.RunStore>();
        await store.IntroduceAsync(Records.Introduction("run-1"), "trainer-1");
        await store.StoreAsync(Records.Bundle("run-1", 1, 1, Records.Started(0), Records.Step(1), Records.Crash("crash-1")));
        var bytes = "PK"u8.ToArray();
        using var body = new MemoryStream(bytes);
        await dashboard.Get<Dashboard.Crashes.CrashReports>().TakeAsync("crash-1", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), body, CancellationToken.None);
        foreach (var culture in AccountEndpoints.Cultures)
        {
            await browser.GetAsync(new Uri($"/preferences/language/{culture}", UriKind.Relative));
            foreach (var page in new[] { "/", "/runs", "/runs/none", "/runs/run-1", "/crashes", "/crashes/none", "/crashes/crash-1", "/commands", "/settings" })
            {
                using var answer = await browser.GetAsync(new Uri(page, UriKind.Relative));
                Assert.True(answer.IsSuccessStatusCode, $"{page} in {culture}: {answer.StatusCode}");
                if (page == "/crashes/crash-1") Assert.Contains("href=\"api/crashes/crash-1\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }
    }

    static string WebUtilityDecode(string html) => System.Net.WebUtility.HtmlDecode(html);

    static Dictionary<string, string> Read(CultureInfo culture) => Texts.GetResourceSet(culture, createIfNotExists: true, tryParents: false)!
        .Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);

    static string Places(string text) => string.Join(' ', Place().Matches(text).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal));

    [GeneratedRegex(@"\{[a-z_0-9]+\}")]
    private static partial Regex Place();
}
