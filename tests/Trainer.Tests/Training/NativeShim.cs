using System.Diagnostics;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>A C file beside this one, built to be preloaded into a worker (LD_PRELOAD); without gcc the test skips.</summary>
class NativeShim : IDisposable
{
    protected NativeShim(string source)
    {
        Library = Folder.File(Path.ChangeExtension(source, ".so"));
        try
        {
            string[] arguments = ["-shared", "-fPIC", "-O1", "-o", Library, Repository.File($"tests/Trainer.Tests/Training/{source}"), "-ldl"];
            using var compiler = Process.Start(new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true })!;
            var errors = compiler.StandardError.ReadToEnd();
            compiler.WaitForExit();
            Assert.True(compiler.ExitCode == 0, errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Folder.Dispose();
            Assert.Skip("gcc is not installed");
        }
    }

    public string Library { get; }

    protected TempFolder Folder { get; } = new();

    public void Dispose() => Folder.Dispose();
}

/// <summary>faulty_disk.c</summary>
sealed class FaultyDisk() : NativeShim("faulty_disk.c")
{
    /// <summary>While it exists the disk is full.</summary>
    public string Full => Folder.File("full");
}

/// <summary>short_memory.c</summary>
sealed class ShortMemoryShim() : NativeShim("short_memory.c");
