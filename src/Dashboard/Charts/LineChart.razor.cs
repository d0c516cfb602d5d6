using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Resources;
using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using Microsoft.JSInterop;

namespace Mcn.Web.Dashboard.Charts;

/// <summary>
/// A live curve. Points never go through the render tree: a loop of its own pulls what is new and hands it to the script, one
/// call at a time, so that a slow or frozen browser costs nothing but its own freshness.
/// </summary>
public sealed partial class LineChart : IAsyncDisposable
{
    static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(150);

    readonly CancellationTokenSource closing = new();
    ElementReference canvas;
    IJSObjectReference? module;
    IJSObjectReference? chart;
    ChartChoice? drawnChoice;
    ChartSpec? drawnSpec;
    RunProjection? drawnRun;
    ChartFeed? feed;
    IReadOnlyList<ChartMark> marked = [];

    [Parameter, EditorRequired]
    public required RunProjection Run { get; set; }

    [Parameter, EditorRequired]
    public required ChartSpec Spec { get; set; }

    [Parameter]
    public ChartChoice Choice { get; set; } = new();

    [Parameter]
    public bool Simulated { get; set; }

    [Inject]
    public required IJSRuntime Script { get; set; }

    [Inject]
    public required ViewerState Viewer { get; set; }

    [Inject]
    public required IStringLocalizer<Words> Texts { get; set; }

    string Description => $"{Texts[Spec.Title]}: {string.Join(", ", Spec.Lines.Select(Label))}";

    public async ValueTask DisposeAsync()
    {
        Viewer.Changed -= Repaint;
        await closing.CancelAsync();
        try
        {
            if (chart is not null)
            {
                await chart.InvokeVoidAsync("dispose");
                await chart.DisposeAsync();
            }

            if (module is not null) await module.DisposeAsync();
        }
        catch (Exception error) when (error is JSDisconnectedException or OperationCanceledException)
        {
            // The browser is gone, and the chart with it.
        }

        closing.Dispose();
    }

    // The script draws; rendering again would change nothing but the frame.
    protected override bool ShouldRender() => drawnSpec is null || !SameChart;

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender)
        {
            Viewer.Changed += Repaint;
            try
            {
                module = await Script.InvokeAsync<IJSObjectReference>("import", closing.Token, "./Charts/LineChart.razor.js");
                await DrawAsync();
                _ = FeedUntilClosedAsync();
            }
            catch (Exception error) when (error is JSDisconnectedException or OperationCanceledException)
            {
                // Closed before it was drawn.
            }
        }
        else if (module is not null && !SameChart)
        {
            await DrawAsync();
        }
    }

    bool BySteps => Choice.BySteps && Spec.Group == "step";

    bool SameChart => drawnChoice == Choice && ReferenceEquals(drawnRun, Run) && drawnSpec is { } drawn
        && drawn.Title == Spec.Title && drawn.Most == Spec.Most && drawn.Lines.SequenceEqual(Spec.Lines);

    async Task DrawAsync()
    {
        (drawnChoice, drawnSpec, drawnRun) = (Choice, Spec, Run);
        var bySteps = BySteps;
        var lines = Spec.Lines.Select(line => new { label = Label(line), color = line.Color, dashed = line.Dashed, width = line.Width });
        var options = new
        {
            lines, bySteps, unit = Spec.Unit, least = Spec.Least, most = Spec.Most, dark = Viewer.IsDark,
            dimmed = Choice.Overtaken && Spec.Group == "step" ? Texts["Overtaken"].Value : null,
            logarithmic = Choice.Logarithmic && Spec == ChartSpec.Loss,
            language = System.Globalization.CultureInfo.CurrentUICulture.Name,
            xTitle = Texts[bySteps ? "AxisStep" : "AxisTime"].Value,
        };
        // The old feed's bytes would not fit the new chart: the loop takes both from here.
        feed = null;
        marked = [];
        if (chart is not null)
        {
            await chart.InvokeVoidAsync("dispose");
            await chart.DisposeAsync();
        }

        chart = await module!.InvokeAsync<IJSObjectReference>("create", closing.Token, canvas, options);
        feed = new ChartFeed(Spec, Choice);
        Run.Viewers.Poke();
    }

    async Task FeedUntilClosedAsync()
    {
        Subscription? subscription = null;
        RunProjection? subscribed = null;
        try
        {
            while (!closing.IsCancellationRequested)
            {
                if (!ReferenceEquals(subscribed, Run))
                {
                    subscription?.Dispose();
                    subscribed = Run;
                    subscription = Run.Viewers.Subscribe(Interval);
                }

                await subscription!.NextAsync(closing.Token);
                if (feed?.Next(subscribed) is { } bytes && chart is not null) await chart.InvokeVoidAsync("push", closing.Token, bytes);
                if (chart is not null && ChartMarks.Of(Texts, subscribed.View, BySteps) is var marks && !marks.SequenceEqual(marked))
                {
                    marked = marks;
                    await chart.InvokeVoidAsync("mark", closing.Token, marks.Select(mark => new { x = mark.X, sign = mark.Sign, text = mark.Text }));
                }
            }
        }
        catch (Exception error) when (error is JSDisconnectedException or OperationCanceledException or ObjectDisposedException)
        {
            // The page was closed, or did not answer for a minute: it comes back with a new circuit.
        }
        finally
        {
            subscription?.Dispose();
        }
    }

    void Repaint() => _ = InvokeAsync(async () =>
    {
        if (chart is null) return;
        try { await chart.InvokeVoidAsync("paint", Viewer.IsDark); }
        catch (JSDisconnectedException) { /* The browser is gone. */ }
    });

    string Label(ChartLine line) => line.LabelIsKey ? Texts[line.Label].Value : line.Label;
}
