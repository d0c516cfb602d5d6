using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Worker;

/// <summary>
/// The worker's end of its stdin: one command a line (a <see cref="RunCommand"/> as JSON) becomes a wish. End of file means that the
/// supervisor is gone: save and leave, so that no orphan holds a GPU. Own background thread; it ends with the process.
/// </summary>
public sealed class CommandPipe(TextReader input, RunControl control, TextWriter log)
{
    public void Start() => new Thread(Read) { Name = "commands", IsBackground = true }.Start();

    void Read()
    {
        try
        {
            while (input.ReadLine() is { } line) Take(line);
            log.WriteLine("the supervisor is gone: saving a checkpoint and leaving");
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            log.WriteLine($"the pipe of the supervisor is broken ({error.Message}): saving a checkpoint and leaving");
        }

        if (!control.StopRequested) control.RequestStop();
    }

    internal void Take(string line)
    {
        if (line.Length == 0) return;
        RunCommand? command;
        try
        {
            command = JsonSerializer.Deserialize(line, McnJson.Default.RunCommand);
        }
        catch (JsonException error)
        {
            log.WriteLine($"a line on stdin is no command and is ignored: {error.Message}");
            return;
        }

        switch (command?.Verb)
        {
            case CommandVerb.Hold: control.RequestHold(command.CommandId); break;
            case CommandVerb.Resume: control.RequestResume(command.CommandId); break;
            case CommandVerb.CheckpointNow: control.RequestCheckpoint(command.CommandId); break;
            case CommandVerb.Release: control.RequestRelease(command.CommandId); break;
            case CommandVerb.EvaluateNow: control.RequestEvaluation(command.CommandId); break;
            case CommandVerb.Stop: control.RequestStop(command.CommandId, save: true); break;
            case CommandVerb.StopWithoutSaving: control.RequestStop(command.CommandId, save: false); break;
            case CommandVerb.Set: TakeKnob(command); break;
            case CommandVerb.Start or CommandVerb.Branch or CommandVerb.Pin or CommandVerb.SendCheckpoint or null: log.WriteLine("this is for the daemon, not for a worker; the command is ignored"); break;
            default: throw new InvalidOperationException($"No wish for {command.Verb}");
        }
    }

    void TakeKnob(RunCommand command)
    {
        try
        {
            if (JsonSerializer.Deserialize(command.Argument ?? "", McnJson.Default.KnobChange) is { } change) control.RequestKnob(change, command.CommandId);
        }
        catch (JsonException error)
        {
            log.WriteLine($"a knob's change cannot be read and is ignored: {error.Message}");
        }
    }
}
