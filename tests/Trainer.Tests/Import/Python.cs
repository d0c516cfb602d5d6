using System.Diagnostics;

namespace Mcn.Web.Trainer.Tests.Import;

/// <summary>The system's Python with NumPy and PyTorch, when it is there: the judge of what the writers write.</summary>
internal static class Python
{
    const string Program = "/usr/bin/python3";

    static readonly Lazy<bool> Present = new(() => File.Exists(Program) && Run("import numpy, torch").Code == 0);

    public static void SkipUnlessPresent() => Assert.SkipUnless(Present.Value, $"{Program} with numpy and torch is not here");

    /// <summary>Runs a script with arguments; what it prints, or a failed test with its error.</summary>
    public static string Output(string script, params string[] arguments)
    {
        var (code, output) = Run(script, arguments);
        Assert.True(code == 0, output);
        return output.Trim();
    }

    static (int Code, string Output) Run(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-W", "ignore", "-c", script, .. arguments]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + error.GetAwaiter().GetResult());
    }
}
