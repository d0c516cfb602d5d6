using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Carries out an action on items in their order on a thread of its own, never more than so many behind the thread that gives them. A
/// failure of the action reaches the giver at its next call; nothing is carried out after it. Owned by the giving thread.
/// </summary>
sealed class NextThread<T> : IDisposable
{
    readonly BlockingCollection<T> waiting;
    readonly Thread thread;
    volatile ExceptionDispatchInfo? fault;

    /// <param name="name">Of the thread.</param>
    /// <param name="most">Items that may wait.</param>
    public NextThread(string name, int most, Action<T> act)
    {
        waiting = new BlockingCollection<T>(most);
        thread = new Thread(() => Run(act)) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>Blocks while too many wait.</summary>
    public void Give(T item)
    {
        fault?.Throw();
        waiting.Add(item);
    }

    /// <summary>Returns when everything given was carried out.</summary>
    public void Finish()
    {
        waiting.CompleteAdding();
        thread.Join();
        fault?.Throw();
    }

    /// <summary>Waits for the thread, which forgets what still waits unless <see cref="Finish"/> was called.</summary>
    public void Dispose()
    {
        fault ??= ExceptionDispatchInfo.Capture(new OperationCanceledException());
        waiting.CompleteAdding();
        thread.Join();
        waiting.Dispose();
    }

    void Run(Action<T> act)
    {
        foreach (var item in waiting.GetConsumingEnumerable())
        {
            if (fault is not null) continue; // taken all the same, so that the giver does not block
            try
            {
                act(item);
            }
            catch (Exception error)
            {
                fault = ExceptionDispatchInfo.Capture(error);
            }
        }
    }
}
