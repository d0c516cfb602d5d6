using System.Diagnostics;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>A real file system of a few megabytes (tmpfs); needs root, otherwise the test skips.</summary>
sealed class SmallDisk : IDisposable
{
    readonly TempFolder folder = new();

    public string Path => folder.Path;

    public static SmallDisk Mount(int megabytes)
    {
        var disk = new SmallDisk();
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk.Path) == 0) return disk;
        disk.folder.Dispose();
        Assert.Skip("mounting a small file system needs root");
        return disk;
    }

    public void Dispose()
    {
        Run("umount", "-l", Path);
        folder.Dispose();
    }

    static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
