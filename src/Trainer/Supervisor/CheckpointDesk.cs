using System.Text.Json;
using System.Threading.Channels;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The desk's part that concerns checkpoints on disk; no worker is needed for it. Called by <see cref="CommandDesk"/>, one at a time.</summary>
public sealed class CheckpointDesk(TrainerFolder trainer, Ledger ledger)
{
    /// <summary>Browsers that wait for their turn; a further one is refused.</summary>
    const int MostWaiting = 4;

    readonly Channel<CheckpointUpload> orders = Channel.CreateBounded<CheckpointUpload>(MostWaiting);

    /// <summary>What is to be sent, in the order of asking.</summary>
    internal ChannelReader<CheckpointUpload> Orders => orders.Reader;

    /// <summary>Keeps a checkpoint of the loaded run, or leaves it to the rules again: it goes when the next one is written.</summary>
    internal CommandAnswer Pin(RunCommand command, string run)
    {
        CommandAnswer Answer(bool accepted, string code, string text) => new(command.CommandId, accepted, code, text, run);
        try
        {
            if (JsonSerializer.Deserialize(command.Argument ?? "null", McnJson.Default.CheckpointPin) is not { } pin) return Answer(false, "bad_argument", "which checkpoint?");
            if (RunFolder.Find(trainer.Data, run) is not { } folder || CheckpointFolder.Find(folder.Checkpoints, pin.Step) is not { } entry) return Answer(false, "no_checkpoint", $"there is no checkpoint of step {pin.Step} (any more)");
            if (pin.Keep) CheckpointFolder.Mark(entry.Path, CheckpointFolder.PinnedMark, $"kept by {command.IssuedBy}");
            else File.Delete(Path.Combine(entry.Path, CheckpointFolder.PinnedMark));
            ledger.Write(new CheckpointPinned { Step = pin.Step, Pinned = pin.Keep, CommandId = command.CommandId });
            return Answer(true, "accepted", pin.Keep ? $"the checkpoint of step {pin.Step} is kept" : $"the checkpoint of step {pin.Step} is left to the rules");
        }
        catch (JsonException error)
        {
            return Answer(false, "bad_argument", error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Answer(false, "wrong_state", error.Message);
        }
    }

    /// <summary>Takes the order of somebody who waits at the dashboard; of any run that is here.</summary>
    internal CommandAnswer Send(RunCommand command)
    {
        CommandAnswer Answer(bool accepted, string code, string text) => new(command.CommandId, accepted, code, text, command.RunId);
        try
        {
            if (JsonSerializer.Deserialize(command.Argument ?? "null", McnJson.Default.CheckpointOrder) is not { } order) return Answer(false, "bad_argument", "which checkpoint?");
            if (RunFolder.Find(trainer.Data, command.RunId) is not { } run) return Answer(false, "unknown_run", $"there is no run {command.RunId} here");
            if (CheckpointFolder.Find(run.Checkpoints, order.Step) is not { } entry) return Answer(false, "no_checkpoint", $"there is no checkpoint of step {order.Step} (any more)");
            return orders.Writer.TryWrite(new CheckpointUpload(entry, order.Ticket)) ? Answer(true, "accepted", "is being sent") : Answer(false, "busy", $"{MostWaiting} others wait already");
        }
        catch (JsonException error)
        {
            return Answer(false, "bad_argument", error.Message);
        }
    }
}

/// <param name="Ticket">Where the dashboard waits for it.</param>
sealed record CheckpointUpload(CheckpointEntry Entry, string Ticket);
