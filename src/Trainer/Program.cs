using System.CommandLine;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Verbs;

var root = new RootCommand("Mcn.Web: trains MCN (video, audio and text in one joint space).")
{
    TrainVerb.Command(),
};
try
{
    var parsed = root.Parse(args);
    if (parsed.Errors.Count == 0) return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    foreach (var error in parsed.Errors) Console.Error.WriteLine(error.Message);
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
