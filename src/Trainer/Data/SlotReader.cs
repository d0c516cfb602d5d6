namespace Mcn.Web.Trainer.Data;

/// <summary>What one reader thread works with; made and disposed on that thread.</summary>
/// <param name="Fill">Fills one slot (video) of a batch.</param>
/// <param name="Resources">Disposed when the thread ends.</param>
public sealed record SlotReader(Action<Batch, int> Fill, IDisposable? Resources = null);
