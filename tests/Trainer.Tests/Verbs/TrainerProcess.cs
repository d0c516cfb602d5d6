using System.Diagnostics;

namespace Mcn.Web.Trainer.Tests.Verbs;

/// <summary>A verb of the trainer as a process of its own, to its end.</summary>
static class TrainerProcess
{
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Task<(int Code, string Output, string Errors)> Run(params string[] arguments) => Run(new Dictionary<string, string>(), arguments);

    public static async Task<(int Code, string Output, string Errors)> Run(Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return (process.ExitCode, await output, await errors);
    }
}
