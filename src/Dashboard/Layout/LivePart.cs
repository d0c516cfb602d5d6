using Mcn.Web.Dashboard.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>
/// A part of a page that shows what changes: renders anew soon after it is told, and once a second so that ages go on. The
/// figures are texts; curves have their own way (<see cref="Charts.LineChart"/>).
/// </summary>
public abstract class LivePart : ComponentBase, IDisposable
{
    static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(400);
    static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource closing = new();
    readonly List<Subscription> ears = [];

    [Inject]
    public required TimeProvider Clock { get; set; }

    protected DateTimeOffset Now => Clock.GetUtcNow();

    protected CancellationToken Closing => closing.Token;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        closing.Cancel();
        foreach (var ear in ears) ear.Dispose();
        ears.Clear();
        closing.Dispose();
    }

    /// <summary>Listens to a source as long as the part lives.</summary>
    protected void Listen(Viewers source)
    {
        var ear = source.Subscribe(Soon);
        ears.Add(ear);
        _ = RenderWhenTold(ear, closing.Token);
    }

    /// <summary>Stops listening to everything: what is shown has changed.</summary>
    protected void ListenNoMore()
    {
        foreach (var ear in ears) ear.Dispose();
        ears.Clear();
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender) _ = TickAsync(closing.Token);
    }

    /// <summary>Reads what is shown; on the circuit's own thread.</summary>
    protected virtual void Refresh()
    {
    }

    async Task RenderWhenTold(Subscription ear, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await ear.NextAsync(cancellation);
                await InvokeAsync(RefreshAndRender);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The part is closed.
        }
    }

    async Task TickAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Second, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation)) await InvokeAsync(RefreshAndRender);
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            // The part is closed.
        }
    }

    void RefreshAndRender()
    {
        Refresh();
        StateHasChanged();
    }
}
