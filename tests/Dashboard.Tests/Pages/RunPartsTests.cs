using System.Security.Claims;
using Bunit;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Runs;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace Mcn.Web.Dashboard.Tests.Pages;

public sealed class RunPartsTests
{
    [Theory]
    [InlineData(RunState.Running, Freshness.Fresh, "●", "Running")]
    [InlineData(RunState.Held, Freshness.Late, "‖", "Held")]
    [InlineData(RunState.Running, Freshness.Gone, "?", "Silent")]
    [InlineData(RunState.Crashed, Freshness.Gone, "✕", "Crashed")]
    public async Task The_banner_says_the_state_by_shape_and_word(RunState state, Freshness freshness, string shape, string word)
    {
        await using var page = Page();
        var banner = page.Render<StateBanner>(with => with
            .Add(part => part.View, View(state)).Add(part => part.Freshness, freshness).Add(part => part.Now, Records.Begin).Add(part => part.Silent, TimeSpan.FromSeconds(90)));
        Assert.Equal(shape, banner.Find(".shape").TextContent);
        Assert.Contains(word, banner.Find(".word").TextContent, StringComparison.Ordinal);
        Assert.Equal(state.ToString(), banner.Find("section").GetAttribute("data-state"));
    }

    [Theory]
    [InlineData(RunState.Running, true, "hold", false)]
    [InlineData(RunState.Starting, true, "hold", true)]
    [InlineData(RunState.Held, true, "resume", false)]
    [InlineData(RunState.Running, false, "hold", true)]
    public async Task Buttons_work_only_where_the_run_allows_it_and_the_trainer_is_there(RunState state, bool connected, string button, bool disabled)
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await using var page = Page(dashboard);
        var trainer = new Trainer("t", "box", "1", connected ? "c" : null, Records.Begin, null);
        var controls = RenderControls(page, Policies.Operator, View(state), trainer);
        Assert.Equal(disabled, controls.Find($"[data-test={button}]").HasAttribute("disabled"));
    }

    [Fact]
    public async Task A_viewer_sees_no_buttons()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await using var page = Page(dashboard);
        var controls = RenderControls(page, Policies.Viewer, View(RunState.Running), null);
        Assert.Empty(controls.FindAll("button"));
    }

    [Theory]
    [InlineData(Bottleneck.Disk, "disk")]
    [InlineData(Bottleneck.Device, "device")]
    public async Task The_data_path_names_what_limits_and_shows_each_limit(Bottleneck limit, string word)
    {
        await using var page = Page();
        var values = new Dictionary<string, double>
        {
            [MetricCatalog.Bottleneck] = (double)limit, [MetricCatalog.LimitDisk] = 512, [MetricCatalog.LimitDevice] = 640, [MetricCatalog.ReadRate] = 25e6, [MetricCatalog.BadVideos] = 3,
        };
        var path = page.Render<DataPath>(with => with.Add(part => part.View, View(RunState.Running) with { Newest = new StepMetrics { Step = 1, Epoch = 0, Values = values } }));
        Assert.Equal(word, path.Find(".verdict b").TextContent);
        Assert.StartsWith(word, path.Find(".limiting").TextContent, StringComparison.Ordinal);
        Assert.Contains("512", path.Find(".limits").TextContent, StringComparison.Ordinal);
        Assert.Contains("3", path.Find(".bad").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_data_path_is_silent_before_anything_was_measured()
    {
        await using var page = Page();
        Assert.Equal("", page.Render<DataPath>(with => with.Add(part => part.View, View(RunState.Starting))).Markup.Trim());
    }

    static IRenderedComponent<RunControls> RenderControls(BunitContext page, string role, RunView view, Trainer? trainer)
    {
        var person = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "ann"), new Claim(ClaimTypes.Role, role)], "test"));
        return page.Render<RunControls>(with => with
            .AddCascadingValue(Task.FromResult(new AuthenticationState(person)))
            .Add(part => part.View, view).Add(part => part.Trainer, trainer).Add(part => part.Freshness, Freshness.Fresh));
    }

    static BunitContext Page(RunningDashboard? dashboard = null)
    {
        var page = new BunitContext();
        page.JSInterop.Mode = JSRuntimeMode.Loose;
        page.Services.AddMudServices().AddLocalization().AddSingleton(TimeProvider.System);
        if (dashboard is not null)
            page.Services.AddSingleton(dashboard.Get<Dashboard.Commands.TrainerCommands>()).AddSingleton(dashboard.Get<TrainerPresence>());
        return page;
    }

    static RunView View(RunState state) => new()
    {
        Run = Records.Introduction("r"), Trainer = "t", State = new RunStateChanged { State = state, Step = 12 }, Started = (RunStarted)Records.Started(0),
    };
}
