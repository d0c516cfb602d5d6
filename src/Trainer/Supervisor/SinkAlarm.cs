using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// A log that is lost must be seen elsewhere: an alert with a sink's first failure, taken back when none has failed for a while. Told by
/// the sinks, on their threads.
/// </summary>
sealed class SinkAlarm : IDisposable
{
    /// <summary>A failing Seq sink tries every ten minutes at the least: twice that without a word, and it works again.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMinutes(21);

    const string Code = "log_sink_failed";

    readonly object gate = new();
    readonly Ledger ledger;
    readonly ITimer timer;
    bool raised;
    bool closed;

    public SinkAlarm(Ledger ledger, TimeProvider time)
    {
        this.ledger = ledger;
        timer = time.CreateTimer(_ => Clear(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Take(string message)
    {
        lock (gate)
        {
            if (closed) return;
            timer.Change(Quiet, Timeout.InfiniteTimeSpan);
            if (raised) return;
            raised = true;
            ledger.Write(new Alert { Code = Code, Text = message.Split('\n')[0].Trim() });
        }
    }

    void Clear()
    {
        lock (gate)
        {
            if (closed || !raised) return;
            raised = false;
            ledger.Write(new Alert { Code = Code + "_cleared", Text = "the logs are written again" });
        }
    }

    /// <summary>The last lines are flushed after the journal is closed: nothing is told any more.</summary>
    public void Dispose()
    {
        lock (gate) closed = true;
        timer.Dispose();
    }
}
