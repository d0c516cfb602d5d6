using System.Collections.Concurrent;

namespace Mcn.Web.Trainer.Gpu;

/// <summary>
/// Owns the thread that waits for Xid events. A thread and not a look at each sample, because NVML reports only the newest Xid of
/// those that came since the last wait, and the first of a cascade is the one that tells the cause.
/// </summary>
sealed class XidWatch : IDisposable
{
    const uint WaitMilliseconds = 250;
    static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1); // a lost GPU lets the wait return at once, every time

    readonly ConcurrentQueue<(nint Device, int Xid)> seen = new();
    readonly ManualResetEventSlim leave = new();
    readonly Thread thread;
    readonly nint set;

    XidWatch(nint set)
    {
        this.set = set;
        thread = new Thread(Watch) { Name = "xid-watch", IsBackground = true };
        thread.Start();
    }

    /// <summary>Null where no device can tell its Xids (an old driver, a virtual GPU): then the kernel log is the only source.</summary>
    public static XidWatch? Start(IEnumerable<nint> devices)
    {
        try
        {
            if (Nvml.nvmlEventSetCreate(out var set) != Nvml.Success) return null;
            var registered = 0;
            foreach (var device in devices)
                if (Nvml.nvmlDeviceRegisterEvents(device, Nvml.XidCriticalError, set) == Nvml.Success) registered++;

            if (registered > 0) return new XidWatch(set);
            _ = Nvml.nvmlEventSetFree(set);
        }
        catch (EntryPointNotFoundException)
        {
            // A driver older than nvmlEventSetWait_v2; the figures are worth having all the same.
        }

        return null;
    }

    /// <summary>Those seen since the call before.</summary>
    public IReadOnlyList<(nint Device, int Xid)> Take()
    {
        var taken = new List<(nint, int)>();
        while (seen.TryDequeue(out var one)) taken.Add(one);
        return taken;
    }

    /// <summary>True when the thread is gone, so that NVML may be shut down.</summary>
    public bool Ended => !thread.IsAlive;

    /// <summary>Asks the thread to leave and waits for it, bounded: a wait on a sick driver may never return.</summary>
    public void Dispose()
    {
        leave.Set();
        if (thread.Join(TimeSpan.FromSeconds(2))) leave.Dispose();
    }

    void Watch()
    {
        try
        {
            while (!leave.IsSet)
            {
                var error = Nvml.nvmlEventSetWait_v2(set, out var happened, WaitMilliseconds);
                if (error == Nvml.Success) Note(happened);
                else if (error != Nvml.TimedOut) leave.Wait(AfterFailure);
            }

            _ = Nvml.nvmlEventSetFree(set);
        }
        catch (EntryPointNotFoundException)
        {
            // As in Start: this driver cannot wait for events.
        }
    }

    void Note(in Nvml.Event happened)
    {
        if ((happened.Type & Nvml.XidCriticalError) != 0) seen.Enqueue((happened.Device, unchecked((int)happened.Data)));
    }
}
