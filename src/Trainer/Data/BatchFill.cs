using System.Runtime.ExceptionServices;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// A batch on its way from empty to full: its slots (videos) are handed out in order and finish in any order. Every member is used
/// under the <see cref="Prefetcher"/>'s lock.
/// </summary>
sealed class BatchFill(Batch batch)
{
    int claimed;
    int finished;
    int faultedSlot = int.MaxValue;

    public Batch Batch => batch;

    /// <summary>Stands in the queue for a batch that could not be begun.</summary>
    public static BatchFill Failed(Exception error) => new(null!) { Fault = ExceptionDispatchInfo.Capture(error) };

    /// <summary>The failure of the lowest slot that failed.</summary>
    public ExceptionDispatchInfo? Fault { get; private set; }

    /// <summary>Whether a slot can still be handed out; none is after a failure.</summary>
    public bool HasSlot => Fault is null && claimed < batch.Shape.Videos;

    /// <summary>
    /// Whether nothing more will happen to the batch. After a failure the slots below it are waited for (they were handed out
    /// before), so that the reported failure does not depend on the timing of the threads.
    /// </summary>
    public bool IsSettled => !HasSlot && finished == claimed;

    public int Claim() => claimed++;

    public void Finish(int slot, Exception? fault)
    {
        finished++;
        if (fault is null || slot > faultedSlot) return;
        faultedSlot = slot;
        Fault = ExceptionDispatchInfo.Capture(fault);
    }
}
