namespace Mcn.Web.Trainer.Supervisor;

/// <summary>So many lines a second go into the journal; a worker that prints without end must not fill the disk. The rest is counted.</summary>
public sealed class LineBudget(int perSecond, TimeProvider time)
{
    readonly object gate = new();
    long second;
    int used;

    /// <summary>Lines that were refused; they are in the worker's log.</summary>
    public long Dropped { get; private set; }

    public bool Take()
    {
        lock (gate)
        {
            var now = time.GetUtcNow().ToUnixTimeSeconds();
            if (now != second) (second, used) = (now, 0);
            if (++used <= perSecond) return true;
            Dropped++;
            return false;
        }
    }
}
