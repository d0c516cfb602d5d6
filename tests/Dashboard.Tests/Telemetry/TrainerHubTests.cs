using System.Net;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Link;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

namespace Mcn.Web.Dashboard.Tests.Telemetry;

public sealed class TrainerHubTests
{
    [Fact]
    public async Task A_wrong_key_is_answered_with_401_and_a_right_one_is_let_in()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        foreach (var key in new[] { "", "nonsense", dashboard.Key[..^1] + "x" })
        {
            var refused = await Assert.ThrowsAsync<HttpRequestException>(() => dashboard.Connection(key).StartAsync());
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        var trainer = await dashboard.TrainerAsync();
        Assert.Equal(2, await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, Records.Started(0), Records.Step(1))));
        var again = dashboard.Connection();
        await again.StartAsync();
        var welcome = await again.InvokeAsync<Welcome>(nameof(ITrainerHub.Hello), new Hello(Shared.ProtocolVersion.Wire, "trainer-1", "box", "test"));
        Assert.Equal(new StreamCursor("run-1", 1, "worker", 2), Assert.Single(welcome.Cursors));
    }

    [Fact]
    public async Task Another_wire_version_is_refused_with_the_reason()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var connection = dashboard.Connection();
        await connection.StartAsync();
        var welcome = await connection.InvokeAsync<Welcome>(nameof(ITrainerHub.Hello), new Hello(99, "t", "box", "test"));
        Assert.False(welcome.Accepted);
        Assert.Contains("99", welcome.Reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HubException>(() => connection.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("r", 1, 1, Records.Step(1))));
    }

    [Fact]
    public async Task A_revoked_key_opens_nothing()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var keys = dashboard.Get<Dashboard.Accounts.ApiKeys>();
        await keys.RevokeAsync(keys.All().Single().Id);
        await Assert.ThrowsAsync<HttpRequestException>(() => dashboard.Connection().StartAsync());
    }

    [Fact]
    public async Task A_trainer_that_leaves_is_gone_but_its_run_keeps_its_state()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var trainer = await dashboard.TrainerAsync();
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, Records.State(Shared.Telemetry.RunState.Running)));
        var presence = dashboard.Get<TrainerPresence>();
        Assert.Equal(Freshness.Fresh, presence.FreshnessOf(presence.Find("trainer-1")));
        await trainer.StopAsync();
        await Records.UntilAsync(() => presence.Find("trainer-1")!.Connection is null);
        Assert.Equal(Freshness.Gone, presence.FreshnessOf(presence.Find("trainer-1")));
        Assert.Equal(Shared.Telemetry.RunState.Running, dashboard.Get<RunCatalog>().Find("run-1")!.View.State!.State);
    }
}
