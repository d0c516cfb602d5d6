using System.CommandLine;
using System.CommandLine.Help;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Verbs;

// Not a RootCommand: its help would name the program's file, and people call it through ./mcn.
var root = new Command("./mcn", "Mcn.Web: trains MCN (video, audio and text in one joint space).")
{
    new HelpOption(),
    TrainVerb.Command(),
    EvalVerb.Command(),
    ParityVerb.Command(),
    PlanVerb.Command(),
    DoctorVerb.Command(),
    WorkVerb.Command(),
    ServeVerb.Command(),
    DataVerb.Command(),
    CheckpointVerb.Command(),
    DiagnoseVerb.Command(),
};
foreach (var verb in DaemonVerbs.Commands()) root.Add(verb);
try
{
    var parsed = root.Parse(args);
    if (parsed.Errors.Count == 0) return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    foreach (var mistake in UsageMistakes.Of(parsed)) Console.Error.WriteLine(mistake);
    Console.Error.WriteLine("Try --help.");
    return ExitCodes.Usage;
}
catch (RunConfigException error)
{
    Console.Error.WriteLine(error.Message);
    return ExitCodes.Usage;
}
catch (UserError error)
{
    Console.Error.WriteLine(error.Message);
    return error.ExitCode;
}
catch (Exception error) when (error.ToString().Contains("LibTorchSharp", StringComparison.Ordinal))
{
    Console.Error.WriteLine("libtorch: its native library cannot be loaded; expected libstdc++ with GLIBCXX_3.4.32 (Ubuntu 24.04, Debian 13) or the stand-in. "
        + "Start the program through ./mcn, which makes the stand-in");
    return ExitCodes.Fails;
}
catch (Exception error)
{
    Console.Error.WriteLine($"fault of this program, please report it: {error}");
    return ExitCodes.ProgramError;
}
