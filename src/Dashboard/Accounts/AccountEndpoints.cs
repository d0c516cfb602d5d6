using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.Mvc;

namespace Mcn.Web.Dashboard.Accounts;

/// <summary>
/// Posts of the sign-in, sign-out and set-up forms (a circuit cannot set cookies), with anti-forgery, and the language
/// switch. Their pages are static.
/// </summary>
public static class AccountEndpoints
{
    public const string SignInLimit = "sign-in";
    public static readonly IReadOnlyList<string> Cultures = ["en", "ja"];
    const int TriesAMinute = 10;

    public static void Map(WebApplication app)
    {
        app.MapPost("/account/sign-in", SignInAsync).AllowAnonymous().RequireRateLimiting(SignInLimit);
        app.MapPost("/account/setup", SetUpAsync).AllowAnonymous().RequireRateLimiting(SignInLimit);
        app.MapPost("/account/sign-out", SignOutAsync).RequireAuthorization(Policies.Viewer);
        app.MapGet("/preferences/language/{culture}", Language).AllowAnonymous();
    }

    /// <summary>Ten tries a minute and address, whatever the name: guessing must be slow, locking others out impossible.</summary>
    public static void AddLimit(IServiceCollection services) => services.AddRateLimiter(limiter =>
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.AddPolicy(SignInLimit, context => RateLimitPartition.GetFixedWindowLimiter(
            context.Connection.RemoteIpAddress?.ToString() ?? "",
            _ => new FixedWindowRateLimiterOptions { PermitLimit = TriesAMinute, Window = TimeSpan.FromMinutes(1), QueueLimit = 0 }));
    });

    static async Task<IResult> SignInAsync(HttpContext context, AccountStore accounts, ILoggerFactory logging,
        [FromForm] string? name, [FromForm] string? password, [FromForm] string? returnUrl)
    {
        var log = logging.CreateLogger(typeof(AccountEndpoints));
        if (accounts.Verify(name ?? "", password ?? "") is not { } user)
        {
            log.LogWarning("Sign-in refused from {Address}", context.Connection.RemoteIpAddress);
            return Results.LocalRedirect($"/sign-in?error=SignInWrong&returnUrl={Uri.EscapeDataString(Local(returnUrl))}");
        }

        await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, accounts.Principal(user));
        log.LogInformation("{User} signed in", user.Name);
        return Results.LocalRedirect(Local(returnUrl));
    }

    static async Task<IResult> SetUpAsync(HttpContext context, SetupLink link, AccountStore accounts,
        [FromForm] string? token, [FromForm] string? name, [FromForm] string? password)
    {
        if (await link.UseAsync(token, name ?? "", password ?? "") is { } wrong)
            return Results.LocalRedirect($"/setup?token={Uri.EscapeDataString(token ?? "")}&error={wrong}");
        if (accounts.Verify(name!.Trim(), password!) is { } user)
            await context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, accounts.Principal(user));
        return Results.LocalRedirect("/");
    }

    // The form parameter makes the framework check the anti-forgery token.
    static async Task<IResult> SignOutAsync(HttpContext context, [FromForm] string? returnUrl)
    {
        await context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
        return Results.LocalRedirect(Local(returnUrl));
    }

    static IResult Language(HttpContext context, string culture, string? returnUrl, TimeProvider time)
    {
        if (!Cultures.Contains(culture)) return Results.NotFound();
        context.Response.Cookies.Append(CookieRequestCultureProvider.DefaultCookieName,
            CookieRequestCultureProvider.MakeCookieValue(new RequestCulture(CultureInfo.GetCultureInfo(culture))),
            new CookieOptions { Expires = time.GetUtcNow().AddYears(1), SameSite = SameSiteMode.Lax, HttpOnly = true, IsEssential = true });
        return Results.LocalRedirect(Local(returnUrl));
    }

    /// <summary>Only paths of this site: a sign-in must not end elsewhere.</summary>
    static string Local(string? url) =>
        url is ['/', ..] and not ['/', '/' or '\\', ..] && Uri.TryCreate(url, UriKind.Relative, out _) ? url : "/";
}
