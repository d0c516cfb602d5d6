using System.Diagnostics;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>The C file beside this one, built and preloaded into a worker; without gcc the test skips.</summary>
sealed class FaultyDisk : IDisposable
{
    readonly TempFolder folder = new();

    public FaultyDisk()
    {
        Library = folder.File("faulty_disk.so");
        var source = Repository.File("tests/Trainer.Tests/Training/faulty_disk.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O1", "-o", Library, source, "-ldl"]) { RedirectStandardError = true })!;
            var errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            Assert.True(compiler.ExitCode == 0, errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            folder.Dispose();
            Assert.Skip("gcc is not installed");
        }
    }

    public string Library { get; }

    /// <summary>While it exists the disk is full.</summary>
    public string Full => folder.File("full");

    public void Dispose() => folder.Dispose();
}
