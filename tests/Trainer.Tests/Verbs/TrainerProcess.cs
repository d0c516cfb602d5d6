using System.Diagnostics;

namespace Mcn.Web.Trainer.Tests.Verbs;

/// <summary>A verb of the trainer as a process of its own, to its end.</summary>
static class TrainerProcess
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Task<(int Code, string Output, string Errors)> Run(params string[] arguments) => Run(arguments, []);

    /// <param name="variables">On top of the usual environment.</param>
    public static async Task<(int Code, string Output, string Errors)> Run(string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in variables) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return (process.ExitCode, await output, await errors);
    }
}
