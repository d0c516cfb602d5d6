using System.Net;
using Mcn.Web.Dashboard.Accounts;

namespace Mcn.Web.Dashboard.Tests.Accounts;

public sealed class SignInTests
{
    [Fact]
    public async Task The_set_up_link_makes_one_admin_and_is_closed_then()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var link = dashboard.Get<SetupLink>();
        var token = link.Path.Split('=')[1];
        using var browser = dashboard.Browser();
        using var wrong = await RunningDashboard.PostFormAsync(browser, link.Path, "/account/setup", ("token", "guess"), ("name", "eve"), ("password", "long enough"));
        Assert.False(dashboard.Get<AccountStore>().HasAdmin());
        using var weak = await RunningDashboard.PostFormAsync(browser, link.Path, "/account/setup", ("token", token), ("name", "ann"), ("password", "short"));
        Assert.Contains("PasswordBad", weak.Headers.Location!.OriginalString, StringComparison.Ordinal);
        using var made = await RunningDashboard.PostFormAsync(browser, link.Path, "/account/setup", ("token", token), ("name", "ann"), ("password", "long enough"));
        Assert.Equal("/", made.Headers.Location!.OriginalString);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(new Uri("/", UriKind.Relative))).StatusCode);
        Assert.False(link.IsOpen);
        Assert.Equal("SetupClosed", await link.UseAsync(token, "eve", "long enough"));
        Assert.DoesNotContain("<form method=\"post\" action=\"account/setup\"", await dashboard.Browser().GetStringAsync(new Uri(link.Path, UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_and_a_post_without_the_anti_forgery_token_get_nowhere()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.Get<AccountStore>().AddAsync("ann", "correct horse", Policies.Viewer);
        using var browser = dashboard.Browser();
        using var wrong = await RunningDashboard.PostFormAsync(browser, "/sign-in", "/account/sign-in", ("name", "ann"), ("password", "wrong horse"));
        Assert.Contains("error=", wrong.Headers.Location!.OriginalString, StringComparison.Ordinal);
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("name", "ann"), KeyValuePair.Create("password", "correct horse")]);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.PostAsync(new Uri("/account/sign-in", UriKind.Relative), form)).StatusCode);
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("https://evil.example")]
    public async Task Sign_in_leads_nowhere_else(string returnUrl)
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.Get<AccountStore>().AddAsync("ann", "correct horse", Policies.Viewer);
        using var answer = await RunningDashboard.PostFormAsync(dashboard.Browser(), "/sign-in", "/account/sign-in", ("name", "ann"), ("password", "correct horse"), ("returnUrl", returnUrl));
        Assert.Equal("/", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task Guessing_is_slowed_down()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var browser = dashboard.Browser();
        var codes = new List<HttpStatusCode>();
        for (var i = 0; i < 12; i++) codes.Add((await RunningDashboard.PostFormAsync(browser, "/sign-in", "/account/sign-in", ("name", "ann"), ("password", "guess"))).StatusCode);
        Assert.Contains(HttpStatusCode.TooManyRequests, codes);
    }

    [Fact]
    public async Task A_removed_person_is_out_at_the_next_request()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await dashboard.Get<AccountStore>().AddAsync("root", "correct horse", Policies.Admin);
        using var browser = await dashboard.SignedInAsync(Policies.Viewer);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(new Uri("/runs", UriKind.Relative))).StatusCode);
        await dashboard.Get<AccountStore>().RemoveAsync(Policies.Viewer);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync(new Uri("/runs", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task The_last_admin_stays()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var accounts = dashboard.Get<AccountStore>();
        await accounts.AddAsync("root", "correct horse", Policies.Admin);
        await Assert.ThrowsAsync<LastAdminException>(() => accounts.RemoveAsync("root"));
        await Assert.ThrowsAsync<LastAdminException>(() => accounts.ChangeAsync("root", Policies.Viewer, null));
        Assert.True(accounts.HasAdmin());
    }
}
