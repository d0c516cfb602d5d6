using System.Net;
using System.Reflection;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;

namespace Mcn.Web.Dashboard.Tests.Accounts;

/// <summary>Every way in, with the role it needs: a new one must be entered here, or the test fails.</summary>
public sealed class EndpointPolicyTests
{
    const string Anyone = "anyone";

    /// <summary>The fallback policy: any signed-in person.</summary>
    const string Person = "person";

    static readonly Dictionary<string, string> Expected = new()
    {
        ["healthz"] = Anyone, ["error"] = Anyone, ["sign-in"] = Anyone, ["setup"] = Anyone,
        ["account/sign-in"] = Anyone, ["account/setup"] = Anyone, ["preferences/language/{culture}"] = Anyone,
        ["account/sign-out"] = Policies.Viewer,
        [""] = Policies.Viewer, ["runs"] = Policies.Viewer, ["runs/{RunId}"] = Policies.Viewer, ["crashes"] = Policies.Viewer, ["crashes/{CrashId}"] = Policies.Viewer,
        ["commands"] = Policies.Viewer, ["settings"] = Policies.Viewer, ["not-found"] = Policies.Viewer, ["{*path:nonfile}"] = Policies.Viewer,
        ["hubs/trainer"] = Policies.Trainer, ["hubs/trainer/negotiate"] = Policies.Trainer,
        ["GET api/crashes/{id}"] = Policies.Viewer, ["PUT api/crashes/{id}"] = Policies.Trainer,
        ["GET api/runs/{run}/checkpoints/{step:long}"] = Policies.Operator, ["PUT api/checkpoints/{ticket}"] = Policies.Trainer,
        ["GET api/commands.csv"] = Policies.Viewer, ["api/{**rest}"] = Person,
        ["_blazor"] = Person, ["_blazor/negotiate"] = Person, ["_blazor/disconnect"] = Person, ["_blazor/initializers"] = Person,
    };

    [Fact]
    public async Task Every_endpoint_needs_the_role_that_is_written_here()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var found = new HashSet<string>();
        foreach (var endpoint in dashboard.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var path = endpoint.RoutePattern.RawText!.Trim('/');
            if (IsStaticFile(endpoint, path)) continue;
            var method = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is [var one] ? $"{one} {path}" : path;
            var key = Expected.ContainsKey(method) ? method : path;
            Assert.True(Expected.TryGetValue(key, out var policy), $"{method} ({endpoint.DisplayName}): a way in that nobody has decided on");
            Assert.Equal((key, policy), (key, PolicyOf(endpoint)));
            found.Add(key);
        }

        Assert.DoesNotContain(Expected.Keys, key => !found.Contains(key) && !key.StartsWith("_blazor", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_hub_method_is_behind_the_trainers_policy()
    {
        foreach (var hub in typeof(TrainerHub).Assembly.GetTypes().Where(type => type.IsAssignableTo(typeof(Hub))))
        {
            Assert.Equal(Policies.Trainer, hub.GetCustomAttribute<AuthorizeAttribute>()?.Policy);
            Assert.DoesNotContain(hub.GetMethods(), method => method.GetCustomAttribute<AllowAnonymousAttribute>() is not null);
        }
    }

    [Theory]
    [InlineData("/", HttpStatusCode.Redirect)]
    [InlineData("/settings", HttpStatusCode.Redirect)]
    [InlineData("/api/crashes/x", HttpStatusCode.Unauthorized)]
    [InlineData("/_blazor/negotiate?negotiateVersion=1", HttpStatusCode.Unauthorized)]
    [InlineData("/api/none", HttpStatusCode.Unauthorized)]
    [InlineData("/no-such-page", HttpStatusCode.Redirect)]
    [InlineData("/healthz", HttpStatusCode.OK)]
    public async Task Without_sign_in(string path, HttpStatusCode expected)
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        using var browser = dashboard.Browser();
        using var request = new HttpRequestMessage(path.Contains("negotiate", StringComparison.Ordinal) ? HttpMethod.Post : HttpMethod.Get, path);
        Assert.Equal(expected, (await browser.SendAsync(request)).StatusCode);
    }

    static bool IsStaticFile(RouteEndpoint endpoint, string path) =>
        endpoint.Metadata.Any(one => one.GetType().Name == "StaticAssetDescriptor") || path.StartsWith("_framework/", StringComparison.Ordinal);

    static string PolicyOf(RouteEndpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null) return Anyone;
        var policies = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy).OfType<string>().Distinct().ToList();
        return policies.Count == 0 ? Person : Assert.Single(policies);
    }
}
