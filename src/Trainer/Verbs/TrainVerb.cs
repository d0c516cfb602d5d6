using System.CommandLine;
using System.Runtime.InteropServices;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Planning;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;
using Mcn.Web.Trainer.Worker;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>`train`: a run in the foreground, without daemon or dashboard.</summary>
static class TrainVerb
{
    static readonly Option<FileInfo> Config = new("--config") { Description = "Configuration of the run (JSON)", Required = true };
    static readonly Option<string[]> Set = new("--set") { Description = "key=value: overrides one key (optimizer.lr=0.001, or lr=0.001); repeatable" };
    static readonly Option<long?> Steps = new("--steps")
    {
        Description = "Save and leave once the run has done so many steps in all; the schedule stays that of the configuration",
        Validators = { UsageMistakes.Only(steps => steps >= 0, "0 or more") },
    };
    static readonly Option<bool> Json = new("--json") { Description = "One JSON object a line instead of the progress bar" };
    static readonly Option<bool> New = new("--new") { Description = "Start a new run even if this configuration has one" };
    static readonly Option<string> Data = new("--data") { Description = "Folder of the runs (default: .mcn in the clone)", DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MCN_DATA") ?? ".mcn" };

    public static Command Command()
    {
        var command = new Command("train", "Trains a configuration in the foreground; called again, it goes on from the newest checkpoint")
        {
            Config, Set, Steps, Json, New, Data,
        };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult arguments)
    {
        var config = RunConfigFile.Read(arguments.GetRequiredValue(Config).FullName, arguments.GetValue(Set) ?? []);
        var data = Path.GetFullPath(arguments.GetValue(Data)!);
        try
        {
            SampleSet.MakeIfUsual(config, data);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }

        if (RunConfigRules.CheckFiles(config) is { Count: > 0 } mistakes) throw new RunConfigException(mistakes);
        foreach (var warning in RunConfigRules.Warnings(config)) Console.Error.WriteLine($"warning: {warning}");

        var catalog = new RunCatalog(data, TimeProvider.System);
        var folder = arguments.GetValue(New) ? null : catalog.FindNewest(config);
        if (folder is not null && RunCatalog.Read(folder).Finished)
        {
            FinishedRun.Show(folder, arguments.GetValue(Json));
            return ExitCodes.Done;
        }

        TorchDevices.Open(config); // before anything is written
        var check = MemoryCheck.Require(config, device => DeviceMemory.Of(device, TimeProvider.System), held: 0, _ => ExitCodes.Refused);
        if (check is not null) Console.Error.WriteLine($"warning: {check}");
        var control = new RunControl();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, control));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, control));
        var topology = LinkTopology.Of(config.Devices);
        using var session = TrainingSession.Open(config, folder ?? catalog.Create(config), TimeProvider.System, links: topology.Links, boards: topology.Boards);
        using ITrainingReport report = arguments.GetValue(Json) ? new JsonReport(Console.Out) : new ConsoleReport();
        try
        {
            var reason = session.Run(arguments.GetValue(Steps), control, report.Show);
            return reason == "interrupted" ? ExitCodes.SavedAndReleased : ExitCodes.Done;
        }
        catch (Exception error) when (NativeFailure.ForPeople(error) is { } told)
        {
            throw told;
        }
    }

    static int signals;

    /// <summary>The first signal asks for a checkpoint and the end; a second one ends at once.</summary>
    static void Stop(PosixSignalContext signal, RunControl control)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref signals) > 1) EndNow.With(ExitCodes.Interrupted);
        Console.Error.WriteLine("stopping: saving a checkpoint; the same signal again ends at once");
        control.RequestStop();
    }
}
