using System.Diagnostics;
using System.Runtime.InteropServices;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Gpu;

/// <summary>Tests that load the stand-in for NVML run one after another: a process has one NVML.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class NvmlCollection
{
    public const string Name = "nvml";
}

/// <summary>The stand-in for NVML, built by its own script, and a scenario for it.</summary>
static partial class FakeNvml
{
    static readonly Lazy<(string Library, string Problem)> Built = new(Build);

    /// <summary>Path of the library; skips the test, with the reason, where there is no gcc.</summary>
    public static string Library
    {
        get
        {
            Assert.SkipUnless(Built.Value.Library.Length > 0, Built.Value.Problem);
            return Built.Value.Library;
        }
    }

    /// <summary>What the next nvmlInit_v2 reads. .NET keeps a copy of the environment of its own; C sees the real one.</summary>
    public static void Scenario(TempFolder folder, string text)
    {
        File.WriteAllText(folder.File("scenario.txt"), text);
        Assert.Equal(0, SetVariable("MCN_FAKE_NVML_SCENARIO", folder.File("scenario.txt"), 1));
    }

    /// <summary>No scenario file.</summary>
    public static void DefaultScenario() => Assert.Equal(0, SetVariable("MCN_FAKE_NVML_SCENARIO", "", 1));

    static (string, string) Build()
    {
        if (FindScript() is not { } script) return ("", "tests/FakeNvml is not above the test's folder");
        var start = new ProcessStartInfo(script, [AppContext.BaseDirectory])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var build = Process.Start(start)!;
        var error = build.StandardError.ReadToEndAsync();
        var library = build.StandardOutput.ReadToEnd().Trim();
        build.WaitForExit();
        var said = error.GetAwaiter().GetResult();
        if (said.StartsWith("gcc: missing", StringComparison.Ordinal)) return ("", said);
        Assert.Equal("", said); // warnings of the compiler, too
        Assert.Equal(0, build.ExitCode);
        return (library, "");
    }

    static string? FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Mcn.Web.sln"))) continue;
            return Path.Combine(folder.FullName, "tests", "FakeNvml", "build.sh");
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
