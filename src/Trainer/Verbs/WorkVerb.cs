using System.CommandLine;
using Mcn.Web.Trainer.Worker;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`work`: the process that the supervisor starts; not for people.</summary>
static class WorkVerb
{
    static readonly Option<DirectoryInfo> Run = new("--run") { Description = "Folder of the run", Required = true };

    public static Command Command()
    {
        var command = new Command("work", "Trains a run for the daemon: commands on stdin, ends when stdin is closed") { Run };
        command.Hidden = true;
        command.SetAction(arguments => WorkerHost.Run(arguments.GetRequiredValue(Run).FullName, Console.In, Console.Error));
        return command;
    }
}
