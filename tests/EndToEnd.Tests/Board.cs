using Microsoft.Playwright;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>What a person reads on the page of a run.</summary>
public static class Board
{
    const string Loss = "[data-test=ChartLoss] .canvas";

    /// <summary>Until the banner says so.</summary>
    public static Task State(this IPage page, string state, TimeSpan? limit = null) =>
        page.WaitForSelectorAsync($".banner[data-state={state}]", new() { Timeout = Limit(limit) });

    /// <summary>Until the curve has reached this step.</summary>
    public static Task Drawn(this IPage page, long step, TimeSpan? limit = null) =>
        page.WaitForFunctionAsync("([chart, step]) => Number(document.querySelector(chart)?.dataset.lastX) >= step", new object[] { Loss, step }, new() { Timeout = Limit(limit) });

    /// <summary>The curve of the total loss as the chart holds it: steps and values; null is a gap.</summary>
    public static async Task<(double[] Steps, double?[] Losses)> Curve(this IPage page)
    {
        var columns = await page.EvaluateAsync<double?[][]>("chart => document.querySelector(chart).curves().slice(0, 2)", Loss);
        return ([.. columns[0].Select(step => step ?? double.NaN)], columns[1]);
    }

    /// <summary>The curve holds every step of the journal once, nothing else, with the journal's losses.</summary>
    public static async Task CurveIs(this IPage page, SortedDictionary<long, double> losses)
    {
        var (drawn, drawnValues) = await page.Curve();

        // Between two steps without a value: the break that the chart draws where another process went on.
        var points = drawn.Zip(drawnValues).Where(point => point.Second is not null || point.First == Math.Floor(point.First)).ToArray();
        var (steps, values) = (points.Select(point => point.First).ToArray(), points.Select(point => point.Second).ToArray());
        Assert.Equal(losses.Keys.Select(step => (double)step), steps);
        Assert.Equal(losses.Values.Select(loss => (double?)(float)loss), values.Select(loss => (double?)(float?)loss));
    }

    static float Limit(TimeSpan? limit) => (float)(limit ?? Site.Patience).TotalMilliseconds;
}
