using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Mcn.Web.Dashboard.Checkpoints;

/// <summary>Where a browser that downloads a checkpoint and the trainer that sends it meet. Nothing is kept on this machine.</summary>
public sealed class CheckpointTransfers
{
    /// <summary>More than people in a lab: each holds two connections.</summary>
    const int Most = 8;

    readonly ConcurrentDictionary<string, CheckpointTransfer> waiting = new(StringComparer.Ordinal);

    /// <summary>Where the sender is to come; null: too many wait already. Whoever opened it closes it.</summary>
    public CheckpointTransfer? Open()
    {
        if (waiting.Count >= Most) return null;
        var transfer = new CheckpointTransfer(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), this);
        waiting[transfer.Ticket] = transfer;
        return transfer;
    }

    /// <summary>The one that waits for this ticket; it is used up with it.</summary>
    public CheckpointTransfer? Take(string ticket) => waiting.TryRemove(ticket, out var transfer) ? transfer : null;

    internal void Close(string ticket) => waiting.TryRemove(ticket, out _);
}

/// <summary>One download under way.</summary>
public sealed class CheckpointTransfer(string ticket, CheckpointTransfers owner) : IDisposable
{
    readonly TaskCompletionSource<Stream> body = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource<bool> end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Ticket => ticket;

    /// <summary>What the sender brings.</summary>
    public Task<Stream> Body => body.Task;

    /// <summary>The sender is here, and stays until the other side is done.</summary>
    /// <returns>True: all of it was taken.</returns>
    public Task<bool> BringAsync(Stream stream)
    {
        body.TrySetResult(stream);
        return end.Task;
    }

    /// <summary>All of it has been handed on.</summary>
    public void Complete() => end.TrySetResult(true);

    /// <summary>Lets the sender go, whatever has become of it.</summary>
    public void Dispose()
    {
        owner.Close(ticket);
        end.TrySetResult(false);
    }
}
