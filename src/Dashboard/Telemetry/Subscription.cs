namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// A viewer's ear: <see cref="NextAsync"/> returns when something changed, at most once per interval. Nothing queues up:
/// however often it is poked, a viewer that sleeps finds one change and reads what is there now.
/// </summary>
public sealed class Subscription(TimeSpan interval, TimeProvider time, Action<Subscription> leave) : IDisposable
{
    readonly SemaphoreSlim changed = new(0, 1);
    long lastReturned;

    /// <summary>Waits for the next change; ends with an exception when cancelled.</summary>
    public async Task NextAsync(CancellationToken cancellation)
    {
        var early = lastReturned == 0 ? TimeSpan.Zero : interval - time.GetElapsedTime(lastReturned);
        if (early > TimeSpan.Zero) await Task.Delay(early, time, cancellation);
        await changed.WaitAsync(cancellation);
        lastReturned = time.GetTimestamp();
    }

    public void Dispose() => leave(this);

    internal void Poke()
    {
        // Already marked: that is enough.
        if (changed.CurrentCount > 0) return;
        try { changed.Release(); }
        catch (SemaphoreFullException) { /* Somebody marked it in between. */ }
    }
}

/// <summary>Viewers of one thing. Poking is cheap and never waits for any of them.</summary>
public sealed class Viewers(TimeProvider time)
{
    readonly Lock gate = new();
    readonly List<Subscription> subscriptions = [];

    public int Count
    {
        get
        {
            lock (gate) return subscriptions.Count;
        }
    }

    public Subscription Subscribe(TimeSpan interval)
    {
        var subscription = new Subscription(interval, time, Leave);
        lock (gate) subscriptions.Add(subscription);
        subscription.Poke();
        return subscription;
    }

    public void Poke()
    {
        lock (gate)
        {
            foreach (var subscription in subscriptions) subscription.Poke();
        }
    }

    void Leave(Subscription subscription)
    {
        lock (gate) subscriptions.Remove(subscription);
    }
}
