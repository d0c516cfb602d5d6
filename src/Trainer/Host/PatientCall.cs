namespace Mcn.Web.Trainer.Host;

/// <summary>
/// A call into a driver or a file system that may hang for ever: made on a thread of its own, waited for so long and no longer.
/// While one call hangs no other is begun, so what is sick costs one thread, not one per sample.
/// </summary>
/// <param name="name">Of the thread, for whoever reads a dump.</param>
sealed class PatientCall<T>(string name, Func<T> call, TimeSpan patience)
{
    Attempt? running;

    /// <summary>No call hangs.</summary>
    public bool Idle => running is null;

    /// <summary>
    /// False when there is no answer in time; the answer of the call that hung is then given when it comes. Patience is for a call's
    /// beginning: while it hangs, asking again costs no time.
    /// </summary>
    public bool TryGet(out T? answer)
    {
        var wait = running is null ? patience : TimeSpan.Zero;
        running ??= Attempt.Begin(name, call);
        answer = default;
        if (!running.Done.Wait(wait)) return false;
        var finished = running;
        running = null;
        if (finished.Failure is not null) throw new InvalidOperationException($"{name}: {finished.Failure.Message}", finished.Failure);
        answer = finished.Answer;
        return true;
    }

    sealed class Attempt
    {
        public ManualResetEventSlim Done { get; } = new();

        public T? Answer { get; private set; }

        public Exception? Failure { get; private set; }

        public static Attempt Begin(string name, Func<T> call)
        {
            var attempt = new Attempt();
            new Thread(() => attempt.Run(call)) { Name = name, IsBackground = true }.Start();
            return attempt;
        }

        void Run(Func<T> call)
        {
            try
            {
                Answer = call();
            }
            catch (Exception failure)
            {
                // An exception on this thread would end the process; it belongs to the caller.
                Failure = failure;
            }
            finally
            {
                Done.Set();
            }
        }
    }
}
