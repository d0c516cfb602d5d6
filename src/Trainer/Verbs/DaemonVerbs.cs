using System.CommandLine;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>The option that all verbs of the daemon share.</summary>
static class DaemonOptions
{
    public static readonly Option<string> Data = new("--data")
    {
        Description = "Data folder of the daemon (default: .mcn in the clone)",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MCN_DATA") ?? ".mcn",
    };
}

/// <summary>`start`, `status`, `hold`, `resume`, `release`, `stop`, `checkpoint-now`, `evaluate-now`, `set`: the page's buttons over the daemon's socket.</summary>
static class DaemonVerbs
{
    static readonly Argument<FileInfo> File = new("FILE") { Description = "Configuration of the run (JSON)" };
    static readonly Argument<string> Knob = new("NAME") { Description = "Name of the knob" };
    static readonly Argument<double> Value = new("VALUE") { Description = "Its new value", Validators = { UsageMistakes.PointOnly } };
    static readonly Option<bool> WithoutSaving = new("--without-saving") { Description = "End without a checkpoint" };

    public static IEnumerable<Command> Commands()
    {
        yield return Simple("status", "What the daemon's run is doing", _ => "status");
        yield return Simple("hold", "Stand still at the next step boundary, keep the GPU's memory", _ => nameof(CommandVerb.Hold));
        yield return Simple("resume", "Go on: after hold, or with a released or stopped run from its last checkpoint", _ => nameof(CommandVerb.Resume));
        yield return Simple("release", "Save, end the worker, free its memory; resume goes on from there", _ => nameof(CommandVerb.Release));
        yield return Simple("evaluate-now", "Evaluate at the next step boundary and go on", _ => nameof(CommandVerb.EvaluateNow));
        yield return Simple("checkpoint-now", "Save at the next step boundary and go on", _ => nameof(CommandVerb.CheckpointNow));
        var stop = Simple("stop", "Save and end the run", arguments => arguments.GetValue(WithoutSaving) ? nameof(CommandVerb.StopWithoutSaving) : nameof(CommandVerb.Stop));
        stop.Add(WithoutSaving);
        yield return stop;
        var set = new Command("set", "Turn a live knob of the run: learning_rate_scale, checkpoint_max_loss_seconds, log_every_steps") { Knob, Value, DaemonOptions.Data };
        set.SetAction(arguments => Call(arguments, nameof(CommandVerb.Set),
            JsonSerializer.Serialize(new KnobChange(arguments.GetRequiredValue(Knob), arguments.GetRequiredValue(Value)), McnJson.Default.KnobChange)));
        yield return set;
        var start = new Command("start", "Start a run of a configuration") { File, DaemonOptions.Data };
        start.SetAction(arguments => Call(arguments, nameof(CommandVerb.Start), TextOf(arguments.GetRequiredValue(File).FullName)));
        yield return start;
    }

    static Command Simple(string name, string description, Func<ParseResult, string> verb)
    {
        var command = new Command(name, description) { DaemonOptions.Data };
        command.SetAction(arguments => Call(arguments, verb(arguments), null));
        return command;
    }

    /// <summary>The configuration with every path resolved here: the daemon must not look for them from its own folder.</summary>
    static string TextOf(string file)
    {
        var temporary = Path.GetTempFileName();
        try
        {
            RunConfigFile.Write(temporary, RunConfigFile.Read(file, []));
            return System.IO.File.ReadAllText(temporary);
        }
        finally
        {
            System.IO.File.Delete(temporary);
        }
    }

    static int Call(ParseResult arguments, string verb, string? argument)
    {
        var trainer = new TrainerFolder(arguments.GetValue(DaemonOptions.Data)!);
        var answer = LocalSocket.Call(trainer, new SocketRequest(verb, argument))
            ?? throw new UserError(trainer.Socket, "no daemon answers", "a running one", "./mcn up starts one, or ./mcn serve; --data names its folder", ExitCodes.Refused);
        (answer.ExitCode == ExitCodes.Done ? Console.Out : Console.Error).WriteLine(answer.Text);
        return answer.ExitCode;
    }
}
