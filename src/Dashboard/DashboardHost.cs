using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Checkpoints;
using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Dashboard.Crashes;
using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Settings;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MudBlazor;
using MudBlazor.Services;
using Serilog;

namespace Mcn.Web.Dashboard;

/// <summary>Puts the program together: services, then the order of the request pipeline, then what is where.</summary>
public static class DashboardHost
{
    const int LargestMessage = 16 << 20;

    /// <param name="adjust">For tests: another clock.</param>
    public static WebApplication Build(DashboardOptions options, Action<IServiceCollection>? adjust = null)
    {
        // Nothing here may need inotify: on the boxes this runs on, its quota is what others have used up.
        Environment.SetEnvironmentVariable("DOTNET_USE_POLLING_FILE_WATCHER", "1");
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = typeof(DashboardHost).Assembly.GetName().Name,
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
            // The second: without it a build's static files are packed anew at each request, at level "none" (627 KB instead of 45).
            Args = ["--hostBuilder:reloadConfigOnChange=false", "--ReloadStaticAssetsAtRuntime=false"],
        });
        builder.WebHost.UseStaticWebAssets();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.Listen, listen =>
            {
                if (options.UsesTls) listen.UseHttps(Certificate(options));
            });
        });

        var folder = new DataFolder(options.Data);
        builder.Services.AddSerilog(Log.Create(options, folder), dispose: true);
        builder.Services.AddSingleton(options).AddSingleton(_ => folder).AddSingleton(TimeProvider.System);
        AddOwn(builder.Services);
        AddAccounts(builder.Services, folder, options);
        AddPages(builder.Services);
        adjust?.Invoke(builder.Services);

        var app = builder.Build();
        Map(app);
        return app;
    }

    /// <summary>Listens, and prints where, and the set-up link while there is no admin.</summary>
    public static async Task StartAsync(WebApplication app, DashboardOptions options)
    {
        if (options.TrainerKeyFile is { } file) await app.Services.GetRequiredService<ApiKeys>().AcceptFileAsync(file);
        var setup = app.Services.GetRequiredService<SetupLink>();
        await app.StartAsync();
        Console.WriteLine($"Dashboard: {Address(app)}");
        if (setup.IsOpen) Console.WriteLine($"Set-up link: {Address(app)}{setup.Path}");
    }

    static X509Certificate2 Certificate(DashboardOptions options)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(options.TlsCertificate!, options.TlsKey);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new UserError("--tls-certificate", $"{options.TlsCertificate} and {options.TlsKey} cannot be used ({error.Message})",
                "a certificate and its key, both PEM", "Check that they belong together and may be read", ExitCodes.Usage, error);
        }
    }

    /// <summary>Where it listens, once started: the port is known only then when 0 was asked for.</summary>
    public static string Address(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First().TrimEnd('/');

    static void AddOwn(IServiceCollection services)
    {
        services.AddSingleton(provider => new Database(provider.GetRequiredService<DataFolder>().DatabaseFile));
        services.AddSingleton<RunCatalog>().AddSingleton<RunStore>().AddSingleton<TrainerPresence>();
        services.AddSingleton<CommandStore>().AddSingleton<TrainerCommands>().AddHostedService(provider => provider.GetRequiredService<TrainerCommands>()).AddSingleton<AuditLog>().AddSingleton<AdminActions>().AddSingleton<CheckpointTransfers>().AddSingleton<CrashReports>().AddSingleton<CrashCatalog>();
        services.AddSignalR(signalR => signalR.MaximumReceiveMessageSize = LargestMessage).AddMessagePackProtocol();
        // Two calls of one trainer may be under way: a long Store must not hold up its heartbeat.
        services.Configure<Microsoft.AspNetCore.SignalR.HubOptions<TrainerHub>>(hub => hub.MaximumParallelInvocationsPerClient = 4);
    }

    static void AddAccounts(IServiceCollection services, DataFolder folder, DashboardOptions options)
    {
        services.AddSingleton<AccountStore>().AddSingleton<ApiKeys>().AddSingleton<SetupLink>().AddScoped<CookieRules>();
        services.AddDataProtection().SetApplicationName("mcn-dashboard").PersistKeysToFileSystem(new DirectoryInfo(folder.Keys));
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie(cookie =>
            {
                cookie.LoginPath = "/sign-in";
                cookie.AccessDeniedPath = "/sign-in";
                cookie.ReturnUrlParameter = "returnUrl";
                cookie.Cookie.Name = "mcn-session";
                cookie.Cookie.SameSite = SameSiteMode.Lax;
                cookie.Cookie.SecurePolicy = options.UsesTls ? CookieSecurePolicy.Always : CookieSecurePolicy.SameAsRequest;
                cookie.ExpireTimeSpan = TimeSpan.FromDays(7);
                cookie.SlidingExpiration = true;
                cookie.EventsType = typeof(CookieRules);
            })
            .AddScheme<AuthenticationSchemeOptions, TrainerKeyHandler>(TrainerKeyHandler.Scheme, null);
        Policies.Add(services.AddAuthorizationBuilder());
        services.AddCascadingAuthenticationState().AddScoped<AuthenticationStateProvider, SessionCheck>();
        AccountEndpoints.AddLimit(services);
    }

    static void AddPages(IServiceCollection services)
    {
        services.AddLocalization();
        services.Configure<RequestLocalizationOptions>(languages =>
        {
            languages.SetDefaultCulture("en").AddSupportedCultures([.. AccountEndpoints.Cultures]).AddSupportedUICultures([.. AccountEndpoints.Cultures]);
            languages.ApplyCurrentCultureToResponseHeaders = true;
        });
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            // A closed tab keeps its circuit for this long: enough for a laptop's lid, not for a week.
            circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(3);
            circuits.DisconnectedCircuitMaxRetained = 50;
        });
        services.AddMudServices();
        services.AddTransient<MudLocalizer, PageLocalizer>();
        services.AddScoped<ViewerState>();
        services.AddHttpContextAccessor();
    }

    static void Map(WebApplication app)
    {
        app.UseExceptionHandler("/error", createScopeForErrors: true);
        app.Use(SecurityHeaders);
        app.UseRequestLocalization();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseRateLimiter();
        app.UseAntiforgery();

        app.MapStaticAssets().AllowAnonymous();
        app.MapGet(LinkRoutes.Health, () => Results.Text("ok")).AllowAnonymous();
        app.MapGet("/error", () => Results.Text("The dashboard could not do that; its log says more.", statusCode: StatusCodes.Status500InternalServerError)).AllowAnonymous();
        app.MapHub<TrainerHub>(LinkRoutes.Hub);
        AccountEndpoints.Map(app);
        CrashEndpoints.Map(app);
        CheckpointEndpoints.Map(app);
        AuditEndpoints.Map(app);
        // Programs get a bare 404, people the page of that name.
        app.MapGet("/api/{**rest}", () => Results.NotFound());
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
    }

    static Task SecurityHeaders(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        return next(context);
    }
}
