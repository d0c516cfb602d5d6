using System.Security.Claims;
using Bunit;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Machine;
using Mcn.Web.Dashboard.Runs;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.SignalR.Client;
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
    [InlineData("bf16")]
    [InlineData("fp32 (tf32 has no effect on cpu)")]
    [InlineData(null)] // a trainer of before it was told
    public async Task The_banner_says_which_precision_is_active(string? precision)
    {
        await using var page = Page();
        var view = View(RunState.Running) with { Started = (RunStarted)Records.Started(0) with { Precision = precision } };
        var banner = page.Render<StateBanner>(with => with.Add(part => part.View, view).Add(part => part.Freshness, Freshness.Fresh).Add(part => part.Now, Records.Begin));
        Assert.Equal(precision, banner.FindAll("[data-test=precision]").SingleOrDefault()?.TextContent);
    }

    [Theory]
    [InlineData(RunState.Running, "≤ 1 min 22 s")]
    [InlineData(RunState.Released, null)] // it is all on disk
    public async Task The_banner_says_how_much_a_crash_would_cost_while_there_is_something_to_lose(RunState state, string? said)
    {
        await using var page = Page();
        var view = View(state) with { Newest = new StepMetrics { Step = 1, Epoch = 0, Values = new Dictionary<string, double> { [MetricCatalog.CheckpointAtRisk] = 81.4, [MetricCatalog.CheckpointAtRiskMachine] = 136 } } };
        var banner = page.Render<StateBanner>(with => with.Add(part => part.View, view).Add(part => part.Freshness, Freshness.Fresh).Add(part => part.Now, Records.Begin));
        var told = banner.FindAll("[data-test=at-risk]").SingleOrDefault();
        Assert.Equal(said, told?.TextContent);
        if (told is not null) Assert.Contains("2 min 16 s when the machine does", told.GetAttribute("title"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RunState.Running, true, "hold", false)]
    [InlineData(RunState.Starting, true, "hold", true)]
    [InlineData(RunState.Held, true, "resume", false)]
    [InlineData(RunState.Running, false, "hold", false)]
    [InlineData(RunState.Running, true, "release", false)]
    [InlineData(RunState.Saving, true, "release", true)]
    [InlineData(RunState.Held, true, "evaluate", false)]
    public async Task Buttons_work_only_where_the_run_allows_it_and_say_what_happens_while_the_trainer_is_away(RunState state, bool connected, string button, bool disabled)
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await using var page = Page(dashboard);
        var trainer = new Trainer("t", "box", "1", connected ? "c" : null, Records.Begin, null);
        var controls = RenderControls(page, Policies.Operator, View(state), trainer);
        Assert.Equal(disabled, controls.Find($"[data-test={button}]").HasAttribute("disabled"));
        Assert.Equal(!connected, controls.FindAll("[data-test=delivery]") is [{ TextContent: var text }] && text.Contains("kept for 10 min", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("cuda:0, cuda:1", "frees 2 GPUs")]
    [InlineData("cpu", "frees the worker's memory")]
    [InlineData("cpu x 4", "frees the worker's memory")]
    public async Task The_consequences_of_a_release_are_said_in_figures_of_this_run(string device, string frees)
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await using var page = Page(dashboard);
        var view = View(RunState.Running) with
        {
            Checkpoint = new CheckpointWritten { Time = TimeProvider.System.GetUtcNow() - TimeSpan.FromMinutes(7), Step = 48000, Path = "p", Bytes = 1, DurationSeconds = 88.2 }, SecondsPerStep = 1.5,
            Started = (RunStarted)Records.Started(0) with { Device = device },
            Gpus = new GpuSample { Simulated = true, Gpus = [.. Enumerable.Range(0, 4).Select(gpu => new GpuReading(gpu, "u", "A100", 1, 2, 3, 4, 5, []))] },
        };
        var text = RenderControls(page, Policies.Operator, view, new Trainer("t", "box", "1", "c", Records.Begin, null)).Find("[data-test=consequences]").TextContent;
        Assert.Matches("step 48,000, 7 min [0-9]+ s ago; saves now, then " + frees + "; about 1 min 30 s", text);
    }

    [Fact]
    public async Task A_knob_is_turned_from_the_page_with_what_the_person_saw_and_the_page_shows_what_the_run_confirmed()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        RunCommand? given = null;
        var trainer = await dashboard.TrainerAsync(desk: command => Task.FromResult(new CommandAnswer((given = command).CommandId, true, "accepted", "", "run-1")));
        LiveKnob knob = new(LiveKnob.LearningRateScale, false, 0, 10, 1, "next_step", "x");
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 1, (RunStarted)Records.Started(0) with { Knobs = [knob] }));
        var run = dashboard.Get<RunCatalog>().Find("run-1")!;
        await using var page = Page(dashboard);
        var accounts = dashboard.Get<AccountStore>();
        await accounts.AddAsync("ann", "correct horse", Policies.Admin);
        var person = accounts.Principal(accounts.Verify("ann", "correct horse")!);
        var panel = page.Render<KnobPanel>(with => with.AddCascadingValue(Task.FromResult(new AuthenticationState(person)))
            .Add(part => part.View, run.View with { State = new RunStateChanged { State = RunState.Running, Step = 1 } }));
        panel.Find("input").Input("0.5"); // while it is typed: a click would find the button asleep until the field is left
        await panel.Find("[data-test=set-learning_rate_scale]").ClickAsync(new());
        await Records.UntilAsync(() => given is not null);
        Assert.Equal((CommandVerb.Set, """{"name":"learning_rate_scale","value":0.5,"expected":1}"""), (given!.Verb, given.Argument));
        Assert.Equal(1, run.View.Knobs[0].Value); // not before the run says so
        await trainer.InvokeAsync<long>(nameof(ITrainerHub.Store), Records.Bundle("run-1", 1, 2, new KnobChanged { Time = Records.Begin, Step = 7, Name = knob.Name, Before = 1, Value = 0.5 }));
        Assert.Equal(0.5, run.View.Knobs[0].Value);
    }

    [Fact]
    public async Task Each_board_names_the_ranks_of_the_run_that_compute_on_it()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        await using var page = Page(dashboard);
        var view = View(RunState.Running) with
        {
            Started = (RunStarted)Records.Started(0) with { Boards = ["GPU-b", "GPU-a", "GPU-b", null] },
            Gpus = new GpuSample { Simulated = false, Gpus = [.. new[] { "GPU-a", "GPU-b", "GPU-c" }.Select((uuid, index) => new GpuReading(index, uuid, "A100", 1, 2, 3, 4, 5, []))] },
        };
        var boards = page.Render<GpuPanel>(with => with.Add(part => part.View, view).Add(part => part.Now, Records.Begin)).FindAll(".gpu");
        Assert.Equal(["rank 1", "rank 0, 2", null], boards.Select(board => board.QuerySelector("[data-test=ranks]")?.TextContent));
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
    [InlineData(Bottleneck.Exchange, "exchange between replicas")]
    public async Task The_data_path_names_what_limits_and_shows_each_limit(Bottleneck limit, string word)
    {
        await using var page = Page();
        var values = new Dictionary<string, double>
        {
            [MetricCatalog.Bottleneck] = (double)limit, [MetricCatalog.LimitDisk] = 512, [MetricCatalog.LimitDevice] = 640, [MetricCatalog.LimitExchange] = 9600, [MetricCatalog.ReadRate] = 25e6, [MetricCatalog.BadVideos] = 3,
        };
        var path = page.Render<DataPath>(with => with.Add(part => part.View, View(RunState.Running) with { Newest = new StepMetrics { Step = 1, Epoch = 0, Values = values } }));
        Assert.Equal(word, path.Find(".verdict b").TextContent);
        Assert.StartsWith(word, path.Find(".limiting").TextContent, StringComparison.Ordinal);
        Assert.Contains("512", path.Find(".limits").TextContent, StringComparison.Ordinal);
        Assert.Contains("3", path.Find(".bad").TextContent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "every graph is held")]
    [InlineData(256.0, "gradient cache: the graphs of 256 clips are held, 768 are encoded twice")]
    public async Task The_batch_line_tells_what_a_step_is_how_it_lies_on_the_devices_and_who_holds_the_others_up(double? held, string graphs)
    {
        await using var page = Page();
        var started = (RunStarted)Records.Started(0) with { Batch = new BatchSplit(128, 32, 4, 1024, 256, 1024, [new("cuda:0", 12L << 30), new("cuda:1", 11L << 30), new("cuda:2", 11L << 30)]) };
        var values = new Dictionary<string, double>();
        for (var rank = 0; rank < 4; rank++) values[MetricCatalog.Of(MetricCatalog.RankWait, rank)] = rank == 2 ? 0.01 : 0.1 + (rank * 0.1);
        if (held is { } clips) (values[MetricCatalog.MicroBatch], values[MetricCatalog.StepsRedone]) = (clips, 2);
        var line = page.Render<BatchLine>(with => with.Add(part => part.View, View(RunState.Running) with { Started = started, Newest = new StepMetrics { Step = 1, Epoch = 0, Values = values } }));
        Assert.Contains("128 videos × 32 clips = 4,096 clips a step", string.Join(' ', line.Find(".head").TextContent.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("4 replicas, 1,024 clips each", line.Markup, StringComparison.Ordinal);
        Assert.Contains("BatchNorm groups of 256", line.Markup, StringComparison.Ordinal);
        Assert.Equal(graphs, line.Find("[data-test=graphs]").TextContent);
        Assert.Contains("cuda:0 12.0 GiB, cuda:1 cuda:2 11.0 GiB", line.Find("[data-test=planned]").TextContent, StringComparison.Ordinal);
        Assert.Equal("the others wait for rank 2, up to 40 % of the time", line.Find("[data-test=waited]").TextContent);
        Assert.Equal(held is null ? [] : ["⚠ 2 retries because memory ran short"], line.FindAll("[data-test=redone]").Select(part => part.TextContent));
        Assert.Empty(page.Render<BatchLine>(with => with.Add(part => part.View, View(RunState.Running))).Markup.Trim()); // an older trainer
    }

    [Fact]
    public async Task One_device_waits_for_nobody_and_exchanges_nothing()
    {
        await using var page = Page();
        var view = View(RunState.Running) with
        {
            Started = (RunStarted)Records.Started(0) with { Batch = new BatchSplit(8, 8, 1, 64, 64, 64, [new("cpu", 1L << 30)]) },
            Newest = new StepMetrics { Step = 1, Epoch = 0, Values = new Dictionary<string, double> { [MetricCatalog.Bottleneck] = (double)Bottleneck.Device, [MetricCatalog.StepsRedone] = 0 } },
        };
        var line = page.Render<BatchLine>(with => with.Add(part => part.View, view));
        Assert.Empty(line.FindAll("[data-test=waited], [data-test=redone]"));
        Assert.DoesNotContain("replicas", line.Markup, StringComparison.Ordinal);
        Assert.DoesNotContain("exchange", page.Render<DataPath>(with => with.Add(part => part.View, view)).Markup, StringComparison.Ordinal);
        Assert.DoesNotContain(MetricCatalog.Exchange, Dashboard.Charts.ChartSpec.Parts(1).Lines.Select(curve => curve.Metric));
        Assert.Contains(MetricCatalog.Exchange, Dashboard.Charts.ChartSpec.Parts(2).Lines.Select(curve => curve.Metric));
    }

    [Fact]
    public async Task The_data_path_is_silent_before_anything_was_measured()
    {
        await using var page = Page();
        Assert.Equal("", page.Render<DataPath>(with => with.Add(part => part.View, View(RunState.Starting))).Markup.Trim());
    }

    [Fact]
    public async Task The_evaluation_table_has_the_papers_row_only_for_its_set_and_says_when_audio_is_dead()
    {
        await using var page = Page();
        var other = page.Render<EvaluationTable>(with => with.Add(part => part.View, View(RunState.Running) with { Evaluations = [Evaluation("val.pkl", 200, "clips", audioRank: 40)] }));
        Assert.Empty(other.FindAll("tr.paper"));
        Assert.Empty(other.FindAll("[data-test=branch-warning]"));
        Assert.Contains("10.0–20.0", other.Find(".interval").TextContent, StringComparison.Ordinal);

        var cooking = page.Render<EvaluationTable>(with => with.Add(part => part.View, View(RunState.Running) with { Evaluations = [Evaluation("youcook.pkl", 3350, "youcook2", audioRank: 1675)] }));
        Assert.Equal(["paper", "lab", "lab"], cooking.FindAll("tr.paper").Select(row => row.GetAttribute("data-source")));
        Assert.Contains("5.29", cooking.Markup, StringComparison.Ordinal);
        Assert.Contains("audio branch is dead", cooking.Find("[data-test=branch-warning]").TextContent, StringComparison.Ordinal);

        var cited = page.Render<EvaluationTable>(with => with.Add(part => part.View, View(RunState.Running) with { Evaluations = [Evaluation("m.pkl", 1000, "msrvtt", audioRank: 40)] }));
        Assert.Contains("As cited in", cited.Find(".note").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_evaluation_after_the_last_epoch_bears_its_number()
    {
        await using var page = Page();
        var table = page.Render<EvaluationTable>(with => with.Add(part => part.View, View(RunState.Running) with
        {
            Evaluations = [Evaluation("val.pkl", 200, "clips", audioRank: 40) with { Epoch = 24 }, Evaluation("val.pkl", 200, "clips", audioRank: 40) with { Epoch = 25 }],
        }));
        Assert.Equal(["25", "24"], table.FindAll("tr.first .epoch").Select(cell => cell.TextContent));
        Assert.Equal(["24"], table.FindAll("tr.first.older .epoch").Select(cell => cell.TextContent));
        Assert.Contains("Older evaluations (1)", table.Find(".narrow").TextContent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(812, "812 B")]
    [InlineData(49_000, "47.9 KiB")]
    [InlineData(3_500_000, "3.3 MiB")]
    [InlineData(2_685_321_240, "2.5 GiB")]
    public void A_size_is_said_in_the_unit_that_fits(long bytes, string text) => Assert.Equal(text, Layout.Show.Size(bytes));

    [Fact]
    public async Task The_card_lists_every_switch_with_its_state_and_meaning()
    {
        await using var page = Page();
        var started = (RunStarted)Records.Started(0) with { Compatibility = new Dictionary<string, bool> { ["optimistic_ties"] = true, ["none_is_a_word"] = false, ["of_next_year"] = true } };
        var card = page.Render<CompatibilityCard>(with => with.Add(part => part.View, View(RunState.Running) with { Started = started }));
        Assert.Equal(["optimistic_ties", "of_next_year", "none_is_a_word"], card.FindAll("li").Select(item => item.GetAttribute("data-switch")));
        Assert.Contains("every place of a tie", card.Find("[data-switch=optimistic_ties]").TextContent, StringComparison.Ordinal);
        Assert.Equal("false", card.Find("[data-switch=none_is_a_word]").GetAttribute("data-on"));
        Assert.Contains("2 of 3", card.Markup, StringComparison.Ordinal);
        Assert.Empty(page.Render<CompatibilityCard>(with => with.Add(part => part.View, View(RunState.Running))).Markup.Trim()); // an older trainer
    }

    static EvaluationFinished Evaluation(string file, int n, string set, double audioRank) => new()
    {
        Step = 1, Epoch = 0, File = file, N = n, Set = set, DurationSeconds = 1,
        Rows = [.. new[] { ("t2va", 20), ("t2v", 30), ("t2a", audioRank) }.Select(row =>
            new RetrievalRow(row.Item1, 0.15, 0.3, 0.4, row.Item2, row.Item2, new Dictionary<string, double[]> { ["r1"] = [0.1, 0.2], ["r5"] = [0.25, 0.35], ["r10"] = [0.35, 0.45] }))],
    };

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
        page.Services.AddMudServices().AddLocalization().AddSingleton(TimeProvider.System).AddScoped<Layout.ViewerState>();
        if (dashboard is not null)
            page.Services.AddSingleton(dashboard.Get<Dashboard.Commands.TrainerCommands>()).AddSingleton(dashboard.Get<TrainerPresence>());
        return page;
    }

    static RunView View(RunState state) => new()
    {
        Run = Records.Introduction("r"), Trainer = "t", State = new RunStateChanged { State = state, Step = 12 }, Started = (RunStarted)Records.Started(0),
    };
}
