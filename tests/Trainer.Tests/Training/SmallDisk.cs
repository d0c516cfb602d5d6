using System.Diagnostics;
using Mcn.Web.TestKit;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>A real file system of a few megabytes (tmpfs); needs root, otherwise the test skips.</summary>
sealed class SmallDisk : IDisposable
{
    readonly TempFolder folder = new();

    public string Path => folder.Path;

    /// <param name="inodes">Files and folders that it takes; null: as many as usual.</param>
    public static SmallDisk Mount(int megabytes, int? inodes = null)
    {
        var disk = new SmallDisk();
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m{(inodes is { } most ? $",nr_inodes={most}" : "")}", "tmpfs", disk.Path) == 0) return disk;
        disk.folder.Dispose();
        Assert.Skip("mounting a small file system needs root");
        return disk;
    }

    /// <summary>From now on everything that would change it fails.</summary>
    public void MakeReadOnly() => Assert.Equal(0, Run("mount", "-o", "remount,ro", Path));

    public void MakeWritable() => Assert.Equal(0, Run("mount", "-o", "remount,rw", Path));

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
