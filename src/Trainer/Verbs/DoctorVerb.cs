using System.CommandLine;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`doctor`: every precondition on this machine, each with what mends it. It loads no libtorch itself: a child does, and may die of it.</summary>
static class DoctorVerb
{
    public const string ChildOption = "--child";

    static readonly Option<bool> Json = new("--json") { Description = "One JSON object" };
    static readonly Option<bool> Gpu = new("--gpu") { Description = "GPUs are wanted: also compute on each; what they lack is a fail" };
    static readonly Option<FileInfo?> Config = new("--config") { Description = "Also check what this configuration needs (JSON)" };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key; repeatable" };
    static readonly Option<string> Data = new("--data") { Description = "Folder of the runs (default: .mcn in the clone)", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MCN_DATA") ?? ".mcn" };
    static readonly Option<bool> Child = new(ChildOption) { Hidden = true };

    public static Command Command()
    {
        var command = new Command("doctor", "Every precondition on this machine: ok, warning, fail or unknown, with the line that mends it; exit code 1 when one fails")
        {
            Json, Gpu, Config, Set, Data, Child,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var gpu = arguments.GetValue(Gpu);
        if (arguments.GetValue(Child)) return TorchTrial.Run(gpu, Console.Out);
        var config = arguments.GetValue(Config) is { } file ? RunConfigFile.Read(file.FullName, arguments.GetValue(Set) ?? []) : null;
        var rounds = new DoctorRounds(config, Path.GetFullPath(arguments.GetValue(Data)!), gpu);
        var report = new DoctorReport([.. Doctor.Examine(rounds.All())]);
        if (arguments.GetValue(Json)) Console.WriteLine(report.ToJson().ToJsonString());
        else report.Show(Console.Out);
        return report.Fails ? ExitCodes.Fails : ExitCodes.Done;
    }
}
